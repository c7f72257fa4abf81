//! What a driver leaves behind for its next load, and its own image file.

use testbed::RegistryValue;

use super::{end, load, machine, printed, test_image, unload};

#[test]
fn a_state_outlives_the_load() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    unload(&machine);
    load(&machine, &[]);
    assert_eq!(printed(&machine, "loads before: "), ["0", "1"]);
    let run = machine.driver_state_value("watcher", "run");
    assert_eq!(run, Some(RegistryValue::Dword(2)));
    let disk = machine.driver_state_on_disk("Watcher");
    end(&machine);
    let next = super::machine();
    next.restore_driver_state("Watcher", disk);
    load(&next, &[]);
    assert_eq!(printed(&next, "loads before: "), ["2"]);
    end(&next);
}

#[test]
fn a_driver_can_read_its_image_file() {
    let machine = machine();
    let Some(image) = test_image::compile("watcher", &[]) else {
        return;
    };
    machine
        .load_driver(&image.path(), "Watcher")
        .expect("the driver loads");
    let bytes = std::fs::read(image.path()).expect("readable");
    let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
    let path = r"\SystemRoot\System32\drivers\Watcher.sys";
    assert_eq!(printed(&machine, "image "), [path]);
    let expected = format!("{} sum {sum}", bytes.len());
    assert_eq!(printed(&machine, "bytes "), [expected]);
    end(&machine);
}
