//! One broken rule each: the run must stop with exit code 86 and name rule and place, or the unload must say
//! what was left.
//!
//! A scenario runs in a child (`fault`).

use std::time::Duration;

use testbed::io::VolumeSpec;
use testbed::ntos::Irql;
use testbed::{ProcessSpec, UnloadError, UserThread, standstill};

use super::{MINUTE, administrator, fault, load, machine, test_image};

/// Does everything that makes some fault show. Without a fault it does nothing.
#[test]
fn scenario() {
    let Some(fault) = fault::chosen() else {
        return;
    };
    let machine = machine();
    machine.mount(VolumeSpec::refs(4096)).expect("mounted");
    // These have no other end, so nothing depends on when somebody looks.
    if ["no_greeting", "never_at_rest"].contains(&fault.as_str()) {
        standstill::look_every(Duration::from_millis(1));
    }
    load(&machine, &[&format!("fault=\"{fault}\"")]).expect("the parent has compiled it");
    let connect = |thread: &UserThread| thread.machine().connect_port(thread, r"\Watcher", &[]);
    let client = administrator(&machine).run(connect).expect("connected");
    client.get_message().expect("the greeting");
    machine.wait_until_idle();
    client.close();
    for _ in 0..2 {
        machine.create_process(ProcessSpec::user("copy.exe")).exit();
    }
    machine.wait_until_idle();
    machine.advance(MINUTE);
    machine.wait_until_idle();
    machine.power_down(Irql::Passive);
    let unloaded = machine.unload("Watcher");
    println!("the fault {fault} was not noticed: {unloaded:?}");
}

/// Runs the scenario with `fault` and expects it to be stopped by `rule`, with `detail` in the report.
fn stops(fault: &str, rule: &str, detail: &str) {
    if test_image::compile("watcher", &[]).is_none() {
        return;
    }
    fault::stops(fault, &[], rule, &[detail]);
}

crate::faults! {
    register_twice: "process-notify", "registered already, by PsSetCreateProcessNotifyRoutine from Watcher";
    remove_twice: "process-notify", "is no registered routine of the driver";
    remove_inside: "process-notify", "the routine removes itself";
    register_at_dispatch: "irql", "PsSetCreateProcessNotifyRoutine: called at DISPATCH_LEVEL";
    lookup_at_dispatch: "irql", "PsLookupProcessByProcessId: called at DISPATCH_LEVEL, allowed up to APC_LEVEL";
    kept_process: "use-after-free", "is deleted already";
    leave_volume: "leak", "FLT_VOLUME of \\Device\\HarddiskVolume1 was referenced by FltEnumerateVolumes";
    write_parameters: "handle", "ZwSetValueKey: the key was opened with 0x1";
    shutdown_without_routine: "device", "no dispatch routine for IRP_MJ_SHUTDOWN";
    write_driver_object: "device", "outside the dispatch table";
    look_into_device: "fault", "opaque DEVICE_OBJECT of Watcher";
    unregister_unregistered: "device", "IoUnregisterShutdownNotification: the device is not registered";
    want_shutdown_twice: "device", "registered already, by IoRegisterShutdownNotification from Watcher";
    key_in_shutdown: "handle", "IoOpenDriverRegistryKey: the thread is none of the System process";
    shutdown_not_completed: "device", "IRP_MJ_SHUTDOWN was never completed";
    shutdown_pending: "not-modelled", "a shutdown that is completed later";
    shutdown_without_status: "device", "IoStatus.Status was not set";
    shutdown_completed_twice: "device", "the IRP is completed a second time";
    shutdown_irp_kept: "fault", "IRP of IRP_MJ_SHUTDOWN";
    shutdown_other_status: "device", "and returned";
    delete_registered: "device", "still registered for the shutdown";
    delete_twice: "device", "is no device object of the driver";
    no_greeting: "standstill", "awaited: a message at a port, by thread";
    never_at_rest: "standstill", "awaited: the threads of the drivers, to come to rest, by thread";
    send_in_connect: "wait", "FltSendMessage: a connect callback may not send";
}

/// Unloads a driver with a fault and answers what it left.
fn left_behind(fault: &str) -> Option<Vec<String>> {
    let machine = machine();
    load(&machine, &[&format!("fault=\"{fault}\"")])?;
    machine.create_process(ProcessSpec::user("copy.exe")).exit();
    match machine.unload("Watcher") {
        Err(UnloadError::Left(left)) => Some(left.iter().map(ToString::to_string).collect()),
        other => panic!("{fault}: {other:?}"),
    }
}

fn leaves(fault: &str, expected: &[&str]) {
    let Some(left) = left_behind(fault) else {
        return;
    };
    assert_eq!(left.len(), expected.len(), "{left:?}");
    for (left, expected) in left.iter().zip(expected) {
        assert!(left.contains(expected), "no {expected:?} in {left:?}");
    }
}

#[test]
fn a_routine_that_is_left_is_reported_and_never_called() {
    let routine = "registered by PsSetCreateProcessNotifyRoutine from Watcher";
    leaves("leave_routine", &[routine]);
}

#[test]
fn a_process_that_is_not_given_back_is_reported() {
    let process = "was referenced by PsLookupProcessByProcessId from Watcher";
    leaves("leave_process", &[process, process]);
}

#[test]
fn a_path_that_is_not_freed_is_reported() {
    leaves(
        "leave_path",
        &["allocated by IoQueryFullDriverPath from Watcher"],
    );
}

#[test]
fn a_file_that_is_not_closed_is_reported() {
    leaves(
        "leave_file",
        &[r"FILE_OBJECT of \SystemRoot\System32\drivers\Watcher.sys was never closed"],
    );
}

#[test]
fn a_device_that_is_not_deleted_is_reported() {
    leaves(
        "leave_device",
        &["the device object made by IoCreateDevice from Watcher"],
    );
}
