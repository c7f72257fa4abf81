//! Names, or why there are none.

use flt::name::{FileName, Form};
use flt::status::NtStatus;
use guard::policy::PathName;
use guard::{Name, NameState};

/// A name, or why there is none.
pub(crate) struct Named {
    name: Option<FileName>,
    state: NameState,
    /// The status that said no, to any name or to the normalized one; 0 when nobody was asked.
    reason: u32,
}

impl Named {
    /// Nobody asked.
    pub(crate) const UNASKED: Self = Self::absent(0);

    /// The normalized name if it is at hand, else the name used at open, else why not.
    pub(crate) fn of(query: impl Fn(Form) -> Result<FileName, NtStatus>) -> Self {
        let miss = match query(Form::NormalizedFromCache) {
            Ok(name) => return Self::have(name, NameState::Normalized, 0),
            Err(miss) => miss.bits(),
        };
        match query(Form::Opened) {
            Ok(name) => Self::have(name, NameState::Opened, miss),
            Err(status) => Self::absent(status.bits()),
        }
    }

    const fn have(name: FileName, state: NameState, reason: u32) -> Self {
        Self {
            name: Some(name),
            state,
            reason,
        }
    }

    /// No name, for this reason.
    pub(crate) const fn absent(reason: u32) -> Self {
        Self {
            name: None,
            state: NameState::Absent,
            reason,
        }
    }

    /// The name for a record.
    pub(crate) fn as_name(&self) -> Name<'_> {
        Name {
            units: self.name.as_ref().map_or(&[][..], FileName::units),
            more: 0,
            state: self.state,
            reason: self.reason,
        }
    }

    /// The name for the policy: volume and path, if both are known.
    pub(crate) fn as_path(&self, volume_guid: Option<[u8; 16]>) -> Option<PathName<'_>> {
        let name = self.name.as_ref()?;
        let device = name.volume_units();
        let rest = name.units().strip_prefix(device)?;
        (!device.is_empty()).then_some(PathName {
            device,
            rest,
            volume_guid,
            is_cut: false,
        })
    }
}
