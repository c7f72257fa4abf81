//! Clone requests whose outcome depends on handles, targets, callers and flags.
//!
//! Sources: FSA is \[MS-FSA\] 2.1.5.10.4 (plain) and .5 (EX); FSCC is \[MS-FSCC\] 2.3.7 to 2.3.10.

use testbed::volume::{
    Caller, Callers32, DELETE, FILE_ATTRIBUTE_READONLY, FILE_READ_DATA, FILE_WRITE_DATA, FsSpec,
    MissingAccess, OpenRequest, SYNCHRONIZE, Status,
};

use crate::rig::{BASE, C, Case, Code, Handle, KERNEL_32, Rig, To};
use crate::table::{PROTECTED, SMALL, UNSUPPORTED, bad, early, protect, shape};

/// Refused because of what the source handle is.
const fn handle(name: &'static str, from: &'static str, handle: Handle, expected: Status) -> Case {
    Case {
        name,
        from,
        handle,
        expected,
        ..BASE
    }
}

const SOURCE_HANDLES: &[Case] = {
    let manager = "FSA: the status of the failed open; ObReferenceObjectByHandle";
    let kind = "FSA: the source open is not of a data stream";
    let rights = "FSA: without FILE_READ_DATA and FILE_READ_ATTRIBUTES";
    let volume = "FSA: Source.Volume is another; FSCC 2.3.8";
    let (invalid, parameter) = (Status::INVALID_HANDLE, Status::INVALID_PARAMETER);
    let mismatch = Status::OBJECT_TYPE_MISMATCH;
    let denied = || FsSpec {
        missing_access: MissingAccess::AccessDenied,
        ..FsSpec::refs(4096)
    };
    let no_data = handle(
        "no FILE_READ_DATA",
        rights,
        Handle::SourceWithoutData,
        parameter,
    );
    let no_attributes = handle(
        "no FILE_READ_ATTRIBUTES",
        rights,
        Handle::SourceWithoutAttributes,
        parameter,
    );
    let beyond = Case {
        range: (64 * C, 0, C),
        ..handle(
            "behind the end, other volume",
            "FSA: the size is compared before the volume",
            Handle::OtherVolume,
            UNSUPPORTED,
        )
    };
    &[
        handle("null", manager, Handle::Null, invalid),
        handle("event", manager, Handle::Event, mismatch),
        handle("pseudo handle", manager, Handle::MinusOne, mismatch),
        handle(
            "open that is cleaned up",
            "FILE_CLOSED after IRP_MJ_CLEANUP",
            Handle::Closed,
            Status::FILE_CLOSED,
        ),
        handle(
            "closed directory on another volume, no rights",
            "FSA: step 9 comes before the kind, the access and the volume",
            Handle::ClosedElsewhere,
            Status::FILE_CLOSED,
        ),
        handle(
            "closed directory, no rights",
            "FSA: step 9 comes before the kind and the access",
            Handle::ClosedDirectory,
            Status::FILE_CLOSED,
        ),
        handle("pipe", kind, Handle::Pipe, parameter),
        handle("directory", kind, Handle::Directory, parameter),
        handle(
            "volume",
            "WinBtrfs and FSA: not a data stream",
            Handle::Volume,
            parameter,
        ),
        handle("other volume", volume, Handle::OtherVolume, parameter),
        handle("source on NTFS", volume, Handle::Ntfs, parameter),
        beyond,
        no_data,
        no_attributes,
        Case {
            spec: denied,
            expected: Status::ACCESS_DENIED,
            name: "denied as by WinBtrfs and Samba",
            ..no_data
        },
        Case {
            caller: Caller::KERNEL,
            expected: Status::SUCCESS,
            name: "kernel needs no rights",
            from: "WinBtrfs, observed: access is checked for user mode alone",
            ..no_data
        },
        Case {
            caller: Caller::KERNEL,
            name: "kernel, directory",
            ..handle("", kind, Handle::Directory, parameter)
        },
    ]
};

#[test]
fn source_handles() {
    SOURCE_HANDLES.iter().for_each(Case::run);
}

const TARGETS_AND_VOLUMES: &[Case] = {
    let stream = "FSA: StreamType of the target is not DataStream";
    &[
        early(
            Case {
                name: "directory",
                from: stream,
                to: To::Directory,
                ..BASE
            },
            UNSUPPORTED,
        ),
        early(
            Case {
                name: "volume",
                from: stream,
                to: To::Volume,
                ..BASE
            },
            UNSUPPORTED,
        ),
        early(
            Case {
                name: "NTFS",
                from: "FSA notes 89 and 93",
                spec: || FsSpec::ntfs(4096),
                ..BASE
            },
            Status::INVALID_DEVICE_REQUEST,
        ),
        early(
            Case {
                name: "NTFS, short",
                from: "FSA notes 89 and 93",
                spec: || FsSpec::ntfs(4096),
                length: Some(1),
                ..BASE
            },
            Status::INVALID_DEVICE_REQUEST,
        ),
        early(
            Case {
                name: "read-only",
                from: "FSA: Volume.IsReadOnly",
                set_up: protect,
                ..BASE
            },
            PROTECTED,
        ),
        early(
            Case {
                name: "read-only before alignment",
                from: "FSA order",
                set_up: protect,
                range: (1, 0, C),
                ..BASE
            },
            PROTECTED,
        ),
        bad("alignment before the target's kind", "FSA order", (0, 1, C)),
    ]
};

#[test]
fn targets_and_volumes() {
    TARGETS_AND_VOLUMES.iter().for_each(Case::run);
}

const FLAGS: &[Case] = {
    let ex = Case {
        code: Code::Ex,
        ..BASE
    };
    &[
        Case {
            name: "SOURCE_ATOMIC",
            from: "WindowsProtocolTestSuites IsSourceAtomicSupported",
            flags: 1,
            ..ex
        },
        Case {
            name: "unknown bits",
            from: "FSCC 2.3.9.1: must be ignored",
            flags: 0xFFFF_FFFC,
            ..ex
        },
        Case {
            name: "ASYNC",
            from: "FSCC 2.3.9.1: must be ignored",
            flags: 2,
            ..ex
        },
        Case {
            name: "all bits",
            from: "FSCC 2.3.9.1: must be ignored",
            flags: u32::MAX,
            ..ex
        },
    ]
};

#[test]
fn flags() {
    FLAGS.iter().for_each(Case::run);
}

const CALLERS_OF_32_BITS: &[Case] = {
    let plain = Case {
        from: "SDK DUPLICATE_EXTENTS_DATA32",
        code: Code::Plain,
        caller: Caller::USER_32,
        ..BASE
    };
    let ex = Case {
        from: "SDK DUPLICATE_EXTENTS_DATA_EX32",
        code: Code::Ex,
        caller: Caller::USER_32,
        ..BASE
    };
    let any = || FsSpec {
        callers_32: Callers32::ConvertedAnySize,
        ..FsSpec::refs(4096)
    };
    let ignored = || FsSpec {
        callers_32: Callers32::Ignored,
        ..FsSpec::refs(4096)
    };
    &[
        Case {
            name: "plain",
            ..plain
        },
        Case { name: "EX", ..ex },
        Case {
            name: "EX, without conversion",
            spec: ignored,
            ..early(ex, SMALL)
        },
        Case {
            name: "EX, one byte short",
            length: Some(0x27),
            ..early(ex, SMALL)
        },
        Case {
            name: "EX, the 64-bit Size",
            size: Some(0x30),
            ..early(ex, UNSUPPORTED)
        },
        Case {
            name: "EX, the 64-bit Size accepted",
            size: Some(0x30),
            spec: any,
            ..ex
        },
        Case {
            name: "EX, other Size",
            size: Some(0x2F),
            spec: any,
            ..early(ex, UNSUPPORTED)
        },
        Case {
            name: "sign-extended handle",
            handle: Handle::MinusOne,
            expected: Status::OBJECT_TYPE_MISMATCH,
            ..plain
        },
        Case {
            name: "kernel, EX",
            caller: KERNEL_32,
            ..ex
        },
        early(
            Case {
                name: "64-bit caller, 32-bit length",
                from: "FSA: 0x30",
                caller: Caller::USER,
                ..shape("", "", Code::Ex, 0x28)
            },
            SMALL,
        ),
    ]
};

#[test]
fn callers_of_32_bits() {
    CALLERS_OF_32_BITS.iter().for_each(Case::run);
}

#[test]
fn a_target_that_is_cleaned_up_is_closed() {
    let rig = Rig::new(FsSpec::refs(4096));
    rig.target.cleanup();
    assert_eq!(rig.send(&BASE, false).0.status, Status::FILE_CLOSED);
    assert_eq!(rig.fs.check(), Ok(()));
    rig.fs
        .open(r"\target", &OpenRequest::existing(SYNCHRONIZE))
        .unwrap();
}

#[test]
fn marks_on_the_files() {
    let marked = "the file stays while it is open: FSA 2.1.5.5";
    let rights = "rights are those of the handle: FSA 2.1.5.1.2.1 checks at the open";
    let delete = |rig: &Rig, path: &str| {
        let open = rig.fs.open(path, &OpenRequest::existing(DELETE)).unwrap();
        open.set_delete(true).unwrap();
    };
    let rig = Rig::new(FsSpec::refs(4096));
    delete(&rig, r"\source");
    delete(&rig, r"\target");
    assert_eq!(rig.send(&BASE, false).0.status, Status::SUCCESS, "{marked}");
    let again = rig
        .fs
        .open(r"\source", &OpenRequest::existing(FILE_READ_DATA));
    assert_eq!(again.unwrap_err(), Status::DELETE_PENDING);

    let set_up = |rig: &Rig| {
        rig.target.set_attributes(FILE_ATTRIBUTE_READONLY).unwrap();
        let write = rig
            .fs
            .open(r"\target", &OpenRequest::existing(FILE_WRITE_DATA));
        assert_eq!(write.unwrap_err(), Status::ACCESS_DENIED);
    };
    let name = "target made read-only after the open";
    Case {
        name,
        from: rights,
        set_up,
        ..BASE
    }
    .run();
}
