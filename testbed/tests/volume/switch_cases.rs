//! For every value of every switch of `FsSpec` a request that it decides; `switches` runs them.

use testbed::volume::{Caller, FsKind, FsSpec, Status};

use crate::rig::{BASE, C, Case, Code, Handle, Rig, To};
use crate::settings::set_integrity;
use crate::switch_cases_elsewhere::UNDOCUMENTED;
use crate::table::{SMALL, UNSUPPORTED, shape};
use crate::table_state::resize;

const INVALID: Status = Status::INVALID_PARAMETER;
const TOP: i64 = i64::MAX - 4095;

/// A case under one value of one switch.
pub(crate) struct Shown {
    pub(crate) switch: &'static str,
    pub(crate) value: &'static str,
    /// What else is fixed of the volume.
    pub(crate) facts: fn(&mut FsSpec),
    pub(crate) case: Case,
}

/// Under `value` of `switch`, `case` ends with `expected`.
pub(crate) const fn shown(
    switch: &'static str,
    value: &'static str,
    case: Case,
    expected: Status,
) -> Shown {
    Shown {
        switch,
        value,
        facts: |_| {},
        case: Case { expected, ..case },
    }
}

pub(crate) const fn range(range: (i64, i64, i64)) -> Case {
    Case { range, ..BASE }
}

/// The source handle is not looked at.
pub(crate) const fn unasked(case: Case) -> Case {
    Case {
        asks: false,
        ..case
    }
}

pub(crate) const fn handle(handle: Handle) -> Case {
    Case { handle, ..BASE }
}

pub(crate) const fn with(set_up: fn(&Rig), case: Case) -> Case {
    Case { set_up, ..case }
}

const REFUSED_INVALID: &str = "Refused(Status::INVALID_PARAMETER)";
const REFUSED_UNSUPPORTED: &str = "Refused(Status::NOT_SUPPORTED)";

const ENDS: &[Shown] = {
    const TAIL: Case = with(
        |rig| {
            [&rig.source, &rig.target]
                .iter()
                .for_each(|open| resize(rig, open, 3 * C + 1))
        },
        BASE,
    );
    const TOO_FAR: Case = with(
        |rig| {
            [&rig.source, &rig.target]
                .iter()
                .for_each(|open| resize(rig, open, 4 * C))
        },
        range((0, 0, 16 * C)),
    );
    const BEHIND_SOURCE: Case = range((8 * C, 0, C));
    const BEHIND: Case = with(|rig| resize(rig, &rig.target, 4 * C), range((0, 8 * C, C)));
    const INSIDE: Case = with(|rig| resize(rig, &rig.target, 4 * C), range((0, 0, 8 * C)));
    &[
        shown("source_end", "AllocationSize", TAIL, Status::SUCCESS),
        shown("source_end", "EndOfFile", TAIL, UNSUPPORTED),
        shown("source_end", "Capped", TOO_FAR, Status::SUCCESS),
        shown("target_end", "Dropped", BEHIND, Status::SUCCESS),
        shown("target_end", "StartBehindRefused", BEHIND, INVALID),
        shown("target_end", REFUSED_INVALID, INSIDE, INVALID),
        shown("target_end", REFUSED_UNSUPPORTED, INSIDE, UNSUPPORTED),
        shown("source_end", "AllocationSize", BEHIND_SOURCE, UNSUPPORTED),
    ]
};

const NUMBERS: &[Shown] = {
    const SOURCES: [Case; 3] = [range((-C, 0, C)), range((0, 0, -C)), range((TOP, 0, C))];
    const TARGETS: [Case; 3] = [
        range((0, -C, C)),
        range((0, TOP, C)),
        range((0, i64::MIN, C)),
    ];
    const HUGE: Case = range((0, 0, 1 << 32));
    &[
        shown(
            "source_range",
            "InvalidParameter",
            unasked(SOURCES[0]),
            INVALID,
        ),
        shown("source_range", "NotSupported", SOURCES[0], UNSUPPORTED),
        shown("source_range", "NotSupported", SOURCES[1], UNSUPPORTED),
        shown("source_range", "NotSupported", SOURCES[2], UNSUPPORTED),
        shown(
            "source_range",
            "NotSupported",
            unasked(range((-C, 0, 0))),
            Status::SUCCESS,
        ),
        shown(
            "target_range",
            "InvalidParameter",
            unasked(TARGETS[0]),
            INVALID,
        ),
        shown("target_range", "NotSupported", TARGETS[0], UNSUPPORTED),
        shown("target_range", "NotSupported", TARGETS[1], UNSUPPORTED),
        shown(
            "target_range",
            "NotSupported",
            unasked(range((0, -C, 0))),
            Status::SUCCESS,
        ),
        shown("target_range", "Dropped", TARGETS[0], Status::SUCCESS),
        shown("target_range", "Dropped", TARGETS[1], Status::SUCCESS),
        shown("target_range", "Dropped", TARGETS[2], Status::SUCCESS),
        shown("huge_count", REFUSED_INVALID, unasked(HUGE), INVALID),
        shown(
            "huge_count",
            REFUSED_UNSUPPORTED,
            unasked(HUGE),
            UNSUPPORTED,
        ),
        shown("huge_count", "Accepted", HUGE, UNSUPPORTED),
    ]
};

const fn on_ntfs(shown: Shown) -> Shown {
    Shown {
        facts: |spec| {
            spec.kind = FsKind::Ntfs;
            spec.block_refcounting = false;
        },
        ..shown
    }
}

const ZERO_COUNTS: &[Shown] = {
    const UNALIGNED: Case = unasked(range((1, 0, 0)));
    const NEGATIVE: Case = unasked(range((-C, 0, 0)));
    const NOBODYS: Case = Case {
        handle: Handle::Null,
        ..range((0, 0, 0))
    };
    const NOTHING: Case = unasked(range((0, 0, 0)));
    const ELSEWHERE: Status = Status::INVALID_DEVICE_REQUEST;
    &[
        shown("zero_count", "AfterNumbers", UNALIGNED, INVALID),
        shown("zero_count", "BeforeNumbers", UNALIGNED, Status::SUCCESS),
        shown("zero_count", "BeforeNumbers", NEGATIVE, Status::SUCCESS),
        shown("zero_count", "AfterSource", NOBODYS, Status::INVALID_HANDLE),
        on_ntfs(shown("zero_elsewhere", "Refused", NOTHING, ELSEWHERE)),
        on_ntfs(shown(
            "zero_elsewhere",
            "Succeeds",
            NOTHING,
            Status::SUCCESS,
        )),
        on_ntfs(shown(
            "zero_elsewhere",
            "Succeeds",
            UNALIGNED,
            Status::SUCCESS,
        )),
    ]
};

const STRUCTURES: &[Shown] = {
    const EX: Case = Case {
        code: Code::Ex,
        ..BASE
    };
    const MISSING: Case = unasked(Case {
        missing: true,
        ..BASE
    });
    const NO_SIZE: Case = unasked(Case {
        size: Some(0),
        ..EX
    });
    const EX_32: Case = Case {
        caller: Caller::USER_32,
        ..EX
    };
    const SIZE_64: Case = Case {
        size: Some(0x30),
        ..EX_32
    };
    &[
        shown("no_buffer", "InvalidParameter", MISSING, INVALID),
        shown(
            "no_buffer",
            "InvalidUserBuffer",
            MISSING,
            Status::INVALID_USER_BUFFER,
        ),
        shown("no_buffer", "BufferTooSmall", MISSING, SMALL),
        shown("ex_size", "NotSupported", NO_SIZE, UNSUPPORTED),
        shown("ex_size", "BufferTooSmall", NO_SIZE, SMALL),
        shown("callers_32", "Converted", EX_32, Status::SUCCESS),
        shown("callers_32", "ConvertedAnySize", SIZE_64, Status::SUCCESS),
        shown("callers_32", "Ignored", unasked(EX_32), SMALL),
        shown(
            "async_flag",
            "Ignored",
            Case { flags: 2, ..EX },
            Status::SUCCESS,
        ),
        shown(
            "async_flag",
            REFUSED_UNSUPPORTED,
            Case { flags: 3, ..EX },
            UNSUPPORTED,
        ),
        shown(
            "async_flag",
            REFUSED_INVALID,
            Case { flags: 2, ..EX },
            INVALID,
        ),
    ]
};

const KINDS: &[Shown] = {
    const UNALIGNED: Case = unasked(Case {
        to: To::Directory,
        ..range((1, 0, C))
    });
    const SHORT: Case = unasked(Case {
        to: To::Directory,
        ..shape("", "", Code::Plain, 0x1F)
    });
    const TO_STREAM: Case = Case {
        to: To::Stream,
        ..BASE
    };
    const FROM_STREAM: Case = handle(Handle::Stream);
    &[
        shown("target_kind", "AfterNumbers", UNALIGNED, INVALID),
        shown("target_kind", "BeforeNumbers", UNALIGNED, UNSUPPORTED),
        shown("target_kind", "First", SHORT, UNSUPPORTED),
        shown("named_streams", "Cloned", TO_STREAM, Status::SUCCESS),
        shown("named_streams", "Cloned", FROM_STREAM, Status::SUCCESS),
        shown("named_streams", "Refused", unasked(TO_STREAM), UNSUPPORTED),
        shown("named_streams", "Refused", FROM_STREAM, UNSUPPORTED),
    ]
};

const SOURCES: &[Shown] = {
    const NULL: Case = handle(Handle::Null);
    const CLOSED: Case = handle(Handle::Closed);
    const AWAY: Case = handle(Handle::ClosedElsewhere);
    const BLIND: Case = handle(Handle::SourceWithoutData);
    const ELSEWHERE: Case = handle(Handle::OtherVolume);
    const REPLACED: &str = "Replaced(Status::INVALID_PARAMETER)";
    const NOT_FOUND: &str = "Replaced(Status::OBJECT_NAME_NOT_FOUND)";
    &[
        shown("bad_handle", "Passed", NULL, Status::INVALID_HANDLE),
        shown("bad_handle", "Passed", CLOSED, Status::FILE_CLOSED),
        shown("bad_handle", "Passed", AWAY, Status::FILE_CLOSED),
        shown("bad_handle", REPLACED, AWAY, INVALID),
        shown("bad_handle", NOT_FOUND, AWAY, Status::OBJECT_NAME_NOT_FOUND),
        shown("bad_handle", REPLACED, NULL, INVALID),
        shown("bad_handle", REPLACED, CLOSED, INVALID),
        shown("bad_handle", REPLACED, handle(Handle::Event), INVALID),
        shown("bad_handle", NOT_FOUND, NULL, Status::OBJECT_NAME_NOT_FOUND),
        shown("missing_access", "InvalidParameter", BLIND, INVALID),
        shown(
            "missing_access",
            "AccessDenied",
            BLIND,
            Status::ACCESS_DENIED,
        ),
        shown("missing_access", "Ignored", BLIND, Status::SUCCESS),
        shown("other_volume", "InvalidParameter", ELSEWHERE, INVALID),
        shown(
            "other_volume",
            "InvalidHandle",
            ELSEWHERE,
            Status::INVALID_HANDLE,
        ),
    ]
};

const PAIRS: &[Shown] = {
    const FORWARD: Case = Case {
        handle: Handle::Target,
        ..range((0, 2 * C, 5 * C))
    };
    const BACKWARD: Case = Case {
        handle: Handle::SecondTarget,
        ..range((2 * C, 0, 5 * C))
    };
    const SAME: Case = Case {
        handle: Handle::Target,
        ..range((0, 0, 8 * C))
    };
    const ONE_SIDE: Case = with(
        |rig| assert_eq!(set_integrity(&rig.target, 2, 0), Status::SUCCESS),
        BASE,
    );
    const TARGET_LOCKED: Case = with(|rig| rig.second_target.lock(0, 1, false).unwrap(), BASE);
    const SOURCE_LOCKED: Case = with(
        |rig| rig.source.lock(4 * C as u64 - 1, 1, true).unwrap(),
        handle(Handle::Link),
    );
    const CONFLICT: Status = Status::FILE_LOCK_CONFLICT;
    &[
        shown("overlap", REFUSED_UNSUPPORTED, FORWARD, UNSUPPORTED),
        shown("overlap", REFUSED_INVALID, FORWARD, INVALID),
        shown("overlap", "Allowed", FORWARD, Status::SUCCESS),
        shown("overlap", "Allowed", BACKWARD, Status::SUCCESS),
        shown("overlap", "Allowed", SAME, Status::SUCCESS),
        shown("integrity", REFUSED_UNSUPPORTED, ONE_SIDE, UNSUPPORTED),
        shown("integrity", REFUSED_INVALID, ONE_SIDE, INVALID),
        shown("integrity", "Allowed", ONE_SIDE, Status::SUCCESS),
        shown("locks", "Ignored", TARGET_LOCKED, Status::SUCCESS),
        shown("locks", "Ignored", SOURCE_LOCKED, Status::SUCCESS),
        shown("locks", "Checked", TARGET_LOCKED, CONFLICT),
        shown("locks", "Checked", SOURCE_LOCKED, CONFLICT),
    ]
};

const LIMITS: &[Shown] = {
    const fn full(shown: Shown) -> Shown {
        Shown {
            facts: |spec| spec.capacity_clusters = 40,
            ..shown
        }
    }
    const fn unshared(shown: Shown) -> Shown {
        Shown {
            facts: |spec| spec.reference_limit = Some(1),
            ..shown
        }
    }
    const MANY: Status = Status::BLOCK_TOO_MANY_REFERENCES;
    &[
        full(shown("full_disk", "Clones", BASE, Status::SUCCESS)),
        full(shown("full_disk", "Refused", BASE, Status::DISK_FULL)),
        unshared(shown("accounting", "Lazy", BASE, Status::SUCCESS)),
        unshared(shown("accounting", "Exact", BASE, MANY)),
    ]
};

pub(crate) fn all() -> impl Iterator<Item = &'static Shown> {
    [
        ENDS,
        NUMBERS,
        ZERO_COUNTS,
        STRUCTURES,
        UNDOCUMENTED,
        KINDS,
        SOURCES,
        PAIRS,
        LIMITS,
    ]
    .into_iter()
    .flatten()
}
