//! What a filter finds out about a file and a volume.

use testbed::io::VolumeSpec;
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{BootOptions, Machine};

use super::{Bench, CLONE, clone_input, close_both, two_files};

#[test]
fn opens_of_one_stream_are_known_by_their_context() {
    let Some(bench) = Bench::start(&["looks"]) else {
        return;
    };
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.volume);
        let input = clone_input(source);
        let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
        let request = OpenRequest::existing(access);
        let again = thread.create_remote_file(bench.volume, r"\TARGET.bin", &request);
        let request = OpenRequest::create(access);
        let other = thread.create_file(bench.volume, r"\Other.bin", &request);
        let (again, other) = (again.expect("opened"), other.expect("created"));
        for handle in [target, again, other] {
            let _any = thread.fs_control(handle, CLONE, Some(&input), 0);
        }
        close_both(thread, again, other);
        close_both(thread, source, target);
    });
    let seen = ["other stream", "same stream", "local", "remote"].map(|text| bench.printed(text));
    assert_eq!(seen, [2, 1, 2, 1], "{:?}", bench.machine.debug_output());
    let sizes = ["two clusters", "other size", "no information"].map(|text| bench.printed(text));
    assert_eq!(sizes, [2, 1, 0], "{:?}", bench.machine.debug_output());
    bench.end();
}

#[test]
fn a_volume_has_a_context_and_no_file_information() {
    let Some(bench) = Bench::start(&["looks"]) else {
        return;
    };
    bench.copy.run(|thread| {
        let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
        for _ in 0..2 {
            let whole = thread.open_volume(bench.volume, access).expect("opened");
            let _any = thread.fs_control(whole, CLONE, Some(&[0; 32]), 0);
            thread.close(whole).expect("closed");
        }
    });
    let seen = ["a volume", "same stream", "other stream"].map(|text| bench.printed(text));
    assert_eq!(seen, [2, 1, 1], "{:?}", bench.machine.debug_output());
    bench.end();
}

#[test]
fn a_volume_tells_its_guid_in_its_setup() {
    let Some(image) = super::image::filter(&["looks"]) else {
        return;
    };
    let machine = Machine::boot(BootOptions::default());
    let guid = "01234567-89ab-cdef-0123-456789abcdef";
    let spec = VolumeSpec::refs(4096).guid(guid);
    machine.mount(spec).expect("mounted");
    machine
        .load_driver(&image.path(), "Filter")
        .expect("loaded");
    let printed = machine.debug_output();
    let name = format!(r"\??\Volume{{{guid}}}");
    assert!(
        printed.iter().any(|line| line.contains(&name)),
        "{printed:?}"
    );
    machine.unload("Filter").expect("unloaded");
}
