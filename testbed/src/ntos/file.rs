//! What the kernel says about a file object.

use crate::boundary::import::Call;
use crate::io::FileObject;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::verifier::Violation;

/// "IoIsFileOriginRemote function (ntddk.h)", Microsoft Learn: at any IRQL, after the create has
/// completed, which no filter sees here.
pub(crate) fn io_is_file_origin_remote(call: &Call, file: u64) -> Result<bool, Violation> {
    let objects = call.machine().objects();
    let file = objects.payload::<FileObject>(ObjectAddress(file), Kind::File)?;
    Ok(file.is_remote())
}

#[cfg(test)]
mod tests {
    use super::super::test_call::{broken, in_user};
    use super::*;
    use crate::io::VolumeSpec;
    use crate::ntos::handle;
    use crate::thread::{Mode, UserThread};
    use crate::verifier::Rule;
    use crate::volume::{FILE_GENERIC_READ, OpenRequest};

    #[test]
    fn the_origin_is_that_of_the_open() {
        in_user(|call| {
            let machine = call.machine();
            let volume = machine.mount(VolumeSpec::refs(4096)).expect("mounted");
            let thread = UserThread::new(call.thread());
            let request = OpenRequest::create(FILE_GENERIC_READ);
            let local = thread.create_file(volume, r"\a", &request);
            let remote = thread.create_remote_file(volume, r"\b", &request);
            let is_remote = |handle: u64| {
                let entry = handle::lookup(machine, call.thread().process(), Mode::User, handle);
                let file = entry.expect("open").object.0;
                // FO_REMOTE_ORIGIN says the same.
                let flags = call
                    .guest()
                    .read_u32(file + 0x50, "Flags")
                    .expect("readable");
                let answer = io_is_file_origin_remote(call, file).expect("a file");
                assert_eq!(answer, flags & 0x0100_0000 != 0);
                answer
            };
            assert!(!is_remote(local.expect("created").0));
            assert!(is_remote(remote.expect("created").0));
            let process = call.thread().process().object().0;
            assert_eq!(
                broken(io_is_file_origin_remote(call, process)),
                Rule::WrongKind
            );
        });
    }
}
