//! The switches that only a file system has which the documents do not bind.

use testbed::volume::{FsKind, Status};

use crate::rig::{BASE, C, Case, Code, Handle, To};
use crate::switch_cases::{Shown, range, shown, unasked, with};
use crate::table::{PROTECTED, SMALL, protect, shape};

const INVALID: Status = Status::INVALID_PARAMETER;

/// On a volume of a third party.
const fn elsewhere(shown: Shown) -> Shown {
    Shown {
        facts: |spec| spec.kind = FsKind::ThirdParty,
        ..shown
    }
}

/// Every value of those switches.
pub(crate) const UNDOCUMENTED: &[Shown] = {
    const EX: Case = Case {
        code: Code::Ex,
        ..BASE
    };
    const SHORT: Case = with(protect, unasked(shape("", "", Code::Both, 0x1F)));
    const SECTORS: Case = range((512, 1024, 3 * 512));
    const BYTES: Case = range((1, 2, C + 3));
    const TAIL: Case = range((0, 6 * C + 1, 4 * C));
    const TO_STREAM: Case = Case {
        to: To::Stream,
        ..BYTES
    };
    const FROM_STREAM: Case = Case {
        handle: Handle::Stream,
        ..BYTES
    };
    const UNALIGNED_NOBODYS: Case = Case {
        handle: Handle::Null,
        ..BYTES
    };
    const UNKNOWN: Status = Status::INVALID_DEVICE_REQUEST;
    &[
        elsewhere(shown("ex_code", "Known", EX, Status::SUCCESS)),
        elsewhere(shown("ex_code", "Unknown", unasked(EX), UNKNOWN)),
        elsewhere(shown("read_only_check", "AfterStructure", SHORT, SMALL)),
        elsewhere(shown("read_only_check", "First", SHORT, PROTECTED)),
        elsewhere(shown("alignment", "Cluster", unasked(SECTORS), INVALID)),
        elsewhere(shown("alignment", "Sector", SECTORS, Status::SUCCESS)),
        elsewhere(shown("alignment", "Sector", TO_STREAM, Status::SUCCESS)),
        elsewhere(shown("alignment", "Sector", FROM_STREAM, Status::SUCCESS)),
        elsewhere(shown(
            "alignment",
            "Sector",
            UNALIGNED_NOBODYS,
            Status::INVALID_HANDLE,
        )),
        elsewhere(shown("alignment", "Unchecked", SECTORS, Status::SUCCESS)),
        elsewhere(shown("alignment", "Unchecked", BYTES, Status::SUCCESS)),
        elsewhere(shown("alignment", "Unchecked", TAIL, Status::SUCCESS)),
        elsewhere(shown("alignment", "Unchecked", TO_STREAM, Status::SUCCESS)),
    ]
};
