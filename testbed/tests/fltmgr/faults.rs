//! One misbehaviour each: the run must stop with exit code 86 and name rule and place.
//!
//! A scenario runs in a child (`fault`).

use testbed::fltmgr::PortClient;
use testbed::io::{Hold, PostOperation, RequestOptions};
use testbed::ntos::token::Token;
use testbed::status::STATUS_SUCCESS;
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{ProcessSpec, UserThread};

use super::{Bench, clone_input, fault, send, two_files};

/// Does everything that makes some fault show: a connection, requests of several kinds, an unload
/// with a request in flight. Without a fault it does nothing.
#[test]
fn scenario() {
    let Some(fault) = fault::chosen() else {
        return;
    };
    let flag = format!("fault=\"{fault}\"");
    let several = if fault == "leak_one_client" {
        "several"
    } else {
        "one"
    };
    let bench = Bench::start(&[&flag, several]).expect("the parent has compiled it");
    let client = connect(&bench);
    let others = (fault == "leak_one_client").then(|| [connect(&bench), connect(&bench)]);
    let (volume, hold) = (bench.volume, Hold::new());
    let requests = requests(&fault, &hold);
    let caller = bench.copy.spawn(move |thread| {
        let (source, mut target) = two_files(thread, volume);
        for request in requests {
            let status = send(thread, target, &clone_input(source), request);
            if status != STATUS_SUCCESS {
                // The main thread waits for a request that will not come.
                println!("a request ended with {status}");
                std::process::exit(1);
            }
            // Each request has a file object of its own.
            thread.close(target).expect("closed");
            let again = OpenRequest::existing(FILE_GENERIC_READ | FILE_GENERIC_WRITE);
            target = thread
                .create_file(volume, r"\Target.bin", &again)
                .expect("opened again");
        }
    });
    hold.wait_for(1);
    client.close();
    drop(others);
    let unloaded = match fault.as_str() {
        "declines_mandatory" => bench.machine.unload_mandatory("Filter"),
        _ => bench.machine.unload("Filter"),
    };
    unloaded.expect("unloaded");
    hold.release();
    caller.join();
    println!("the fault {fault} was not noticed");
}

fn connect(bench: &Bench) -> PortClient {
    let token = Token {
        integrity: 0x3000,
        ..Token::of("S-1-5-21-1-2-3-500")
    };
    let spec = ProcessSpec::user("tool.exe").token(token);
    let connect = |thread: &UserThread| thread.machine().connect_port(thread, r"\TestPort", &[6]);
    let client = bench.machine.create_process(spec).run(connect);
    client.expect("connected")
}

/// What to send for a fault, each with the room for output; the last request is held.
fn requests(fault: &str, hold: &Hold) -> Vec<(RequestOptions, u32)> {
    let plain = RequestOptions::default;
    let same = plain().post(PostOperation::SameThread);
    let mut all = match fault {
        "write_buffer" => vec![(plain().writable_system_buffer(), 0)],
        "context_in_post" => vec![(same, 0)],
        "information_at_top_level" => vec![(plain().top_level_irp(), 0)],
        "forge_information" => vec![(plain(), 64)],
        _ => vec![(plain(), 0), (same, 0)],
    };
    all.push((plain().hold(hold), 0));
    all
}

/// Runs the scenario with `fault` and expects it to be stopped by `rule`, with `detail` in the report.
fn stops(fault: &str, rule: &str, detail: &str) {
    if super::image::filter(&[]).is_none() {
        return;
    }
    fault::stops(fault, &[], rule, &[detail]);
}

crate::faults! {
    pending: "callback-status", "pre-operation of Filter for request 1 returned FLT_PREOP_PENDING";
    unknown_status: "callback-status", "returned 0x4d";
    lost_context: "callback-status", "set a completion context";
    complete_unset: "callback-status", "without setting IoStatus.Status";
    complete_pending: "callback-status", "completed the request with STATUS_PENDING";
    complete_without_information: "callback-data", "without setting IoStatus.Information";
    complete_with_information: "callback-data", "STATUS_ACCESS_DENIED (0xc0000022) and Information 1";
    stack_context: "use-after-free", "has a completion context that leads to byte";
    freed_context: "use-after-free", "pre-operation of Filter for request 1 has a completion context";
    freed_between: "use-after-free", "draining post-operation of Filter for request 3 has a completion";
    follow_context: "fault", "opaque FsContext of a file object";
    follow_guard: "fault", "non-canonical address";
    write_file: "fault", "FILE_OBJECT of \\Device\\HarddiskVolume1\\Target.bin was written";
    kept_file: "fault", "freed by its last holder";
    key_in_request: "handle", "IoOpenDriverRegistryKey: the thread is none of the System process";
    information_at_top_level: "wait", "FltQueryInformationFile: called with a top-level IRP set";
    information_in_post: "irql", "FltQueryInformationFile: called at DISPATCH_LEVEL";
    guid_without_name: "bad-pointer", "VolumeGuidName";
    declines_mandatory: "unload", "answered a mandatory unload with STATUS_FLT_DO_NOT_DETACH";
    declines_late: "unload", "after closing a server port";
    declines_gone: "unload", "declined with STATUS_FLT_DO_NOT_DETACH (0xc01c0010) after FltUnregisterFilter";
    no_post: "callback-status", "none is registered";
    more_processing: "callback-status", "FLT_POSTOP_MORE_PROCESSING_REQUIRED";
    edit: "callback-data", "byte 0x18 of FLT_IO_PARAMETER_BLOCK";
    set_status: "callback-data", "set IoStatus, but did not complete";
    read_past: "fault", "past the end of the 32-byte system buffer of request 1";
    write_buffer: "callback-data", "byte 0x0 of the system buffer";
    use_after_end: "fault", "FLT_CALLBACK_DATA of request 1";
    use_between: "fault", "FLT_CALLBACK_DATA of request 3";
    passive_in_post: "irql", "FltGetInstanceContext: called at DISPATCH_LEVEL";
    context_in_post: "context", "may release contexts, not get or set them";
    forge_information: "callback-data", "Information 1048576 for an output buffer of 64 bytes";
    name_in_post: "irql", "FltGetFileNameInformation: called at DISPATCH_LEVEL";
    busy_draining: "draining", "FltGetRequestorProcessId";
    send_unbounded: "wait", "Timeout NULL or zero";
    send_in_setup: "wait", "an instance setup may not talk";
    leak_name: "leak", "file name information, from FltGetFileNameInformation";
    leak_context: "leak", "a reference of the context";
    leak_client: "leak", "a client port of \\TestPort";
    leak_one_client: "leak", "a client port of \\TestPort";
    unregister_first: "unload", "this call would hang";
    no_unregister: "unload", "without FltUnregisterFilter";
    other_major: "not-modelled", "major function 0x00";
    executable_pool: "pool", "HVCI";
}
