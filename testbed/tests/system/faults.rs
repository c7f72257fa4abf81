//! One broken rule each: the run must stop with exit code 86 and name rule and place, or the unload must say
//! what was left.
//!
//! A scenario runs in a child: this test program again, with the fault in an environment variable.

use std::process::Command;

use testbed::io::VolumeSpec;
use testbed::{ProcessSpec, UnloadError, UserThread, verifier};

use super::{MINUTE, administrator, load, machine, test_image};

const VARIABLE: &str = "TESTBED_SYSTEM_FAULT";

/// Does everything that makes some fault show. Without the variable it does nothing.
#[test]
fn scenario() {
    let Ok(fault) = std::env::var(VARIABLE) else {
        return;
    };
    let machine = machine();
    machine.mount(VolumeSpec::refs(4096)).expect("mounted");
    load(&machine, &[&format!("fault=\"{fault}\"")]).expect("the parent has compiled it");
    let connect = |thread: &UserThread| thread.machine().connect_port(thread, r"\Watcher", &[]);
    let client = administrator(&machine).run(connect).expect("connected");
    client.get_message().expect("the greeting");
    client.close();
    for _ in 0..2 {
        machine.create_process(ProcessSpec::user("copy.exe")).exit();
    }
    machine.wait_until_idle();
    machine.advance(MINUTE);
    machine.wait_until_idle();
    let unloaded = machine.unload("Watcher");
    println!("the fault {fault} was not noticed: {unloaded:?}");
}

/// Runs the scenario with `fault` and expects it to be stopped by `rule`, with `detail` in the report.
fn stops(fault: &str, rule: &str, detail: &str) {
    if test_image::compile("watcher", &[]).is_none() {
        return;
    }
    let output = Command::new(std::env::current_exe().expect("a path"))
        .args([
            "--exact",
            "faults::scenario",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(VARIABLE, fault)
        .output()
        .expect("the scenario runs");
    let report = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(verifier::EXIT_CODE),
        "{fault}:\n{report}{printed}"
    );
    let headline = format!("VIOLATION of rule {rule}\n");
    assert!(report.contains(&headline), "{fault}:\n{report}");
    assert!(
        report.contains(detail),
        "{fault}: no {detail:?} in\n{report}"
    );
}

macro_rules! faults {
    ($($name:ident: $rule:literal, $detail:literal;)*) => {
        $(
            #[test]
            fn $name() {
                stops(stringify!($name), $rule, $detail);
            }
        )*
    };
}

faults! {
    register_twice: "process-notify", "registered already, by PsSetCreateProcessNotifyRoutine from Watcher";
    remove_twice: "process-notify", "is no registered routine of the driver";
    remove_inside: "process-notify", "the routine removes itself";
    register_at_dispatch: "irql", "PsSetCreateProcessNotifyRoutine: called at DISPATCH_LEVEL";
    lookup_at_dispatch: "irql", "PsLookupProcessByProcessId: called at DISPATCH_LEVEL, allowed up to APC_LEVEL";
    kept_process: "use-after-free", "is deleted already";
    leave_volume: "leak", "FLT_VOLUME of \\Device\\HarddiskVolume1 was referenced by FltEnumerateVolumes";
    write_parameters: "handle", "ZwSetValueKey: the key was opened with 0x1";
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
