//! The lists about a request: who asked, what was found, what was decided, how it ended.

open_enum! {
    /// What was decided about a request.
    Verdict {
        /// No rule fired.
        Passed = 1 => "passed",
        /// A rule fired that only notes; the request went down.
        Flagged = 2 => "flagged",
        /// Enforce mode would have refused the request; this is observe mode, and it went down.
        WouldRefuse = 3 => "would_refuse",
        /// The request was refused and never reached the file system.
        Refused = 4 => "refused",
        /// The request went down without having been looked at, or not far enough to judge it.
        NotInspected = 5 => "not_inspected",
    }
}

open_enum! {
    /// Processor mode of the requestor, as the I/O manager recorded it (`KPROCESSOR_MODE`).
    Mode {
        /// A driver or a system component.
        Kernel = 0 => "kernel",
        /// A user-mode program.
        User = 1 => "user",
    }
}

open_enum! {
    /// Pointer width of the requestor, which decides the layout of the input buffer.
    Bitness {
        /// A 32-bit program on a 64-bit kernel.
        Bits32 = 32 => "32",
        /// A 64-bit caller.
        Bits64 = 64 => "64",
    }
}

open_enum! {
    /// How the driver learned the end of the request.
    OutcomeKind {
        /// Not ended when the record had to leave the driver; a record of kind `ended` tells the rest.
        Pending = 0 => "pending",
        /// The post-operation callback saw the final status, be it success or failure.
        Completed = 1 => "completed",
        /// The instance was torn down while the request was below: the status is not known.
        Draining = 2 => "draining",
        /// The driver refused the request; the status is the one it gave.
        Refused = 3 => "refused",
    }
}

open_enum! {
    /// What became of the source handle that the caller named.
    SourceState {
        /// It resolved to a file object on the target's volume.
        SameVolume = 1 => "same_volume",
        /// It resolved to a file object on another volume.
        OtherVolume = 2 => "other_volume",
        /// The object manager refused it; the record holds the status.
        HandleRefused = 3 => "handle_refused",
        /// The callback did not run in the requestor's process, so the handle means nothing here.
        NotInContext = 4 => "not_in_context",
        /// Nobody tried, because there was no claim to read or the level forbade it.
        NotInspected = 5 => "not_inspected",
        /// It resolved to a file object of no file system: a pipe, a device.
        Foreign = 6 => "foreign",
    }
}

open_enum! {
    /// Whether the file system was asked about a file, and whether it answered.
    FactState {
        /// Nobody asked: there was no file to ask about, or asking was not safe.
        NotAsked = 0 => "not_asked",
        /// The file system answered.
        Known = 1 => "known",
        /// It did not; the record holds the status.
        Refused = 2 => "refused",
    }
}

open_enum! {
    /// What a file object was opened on.
    FileKind {
        /// Not known.
        Unasked = 0 => "unasked",
        /// A data stream.
        Data = 1 => "data",
        /// A directory.
        Directory = 2 => "directory",
        /// A volume.
        Volume = 3 => "volume",
    }
}

open_enum! {
    /// An answer that may be unknown.
    Ternary {
        /// Not known.
        Unasked = 0 => "unasked",
        /// No.
        No = 1 => "no",
        /// Yes.
        Yes = 2 => "yes",
    }
}

open_enum! {
    /// What the source handle names after the operation.
    SourceAfter {
        /// Nobody looked again: no policy asks for it, there was no file to compare with, or no memory to
        /// keep it.
        Unasked = 0 => "unasked",
        /// The same file.
        Same = 1 => "same",
        /// Another file, or none.
        Changed = 2 => "changed",
        /// A second look was not possible where the request ended.
        Unseen = 3 => "unseen",
    }
}

open_enum! {
    /// What the rules of the policy say of a request.
    PolicyMatch {
        /// No rule of the policy matches.
        NoMatch = 0 => "no_match",
        /// The first rule that matches allows it.
        Allow = 1 => "allow",
        /// The first rule that matches wants it flagged.
        Flag = 2 => "flag",
        /// The first rule that matches denies it.
        Deny = 3 => "deny",
        /// Which rule matches depends on a fact that is not known.
        Undecided = 4 => "undecided",
    }
}

open_enum! {
    /// Where a name comes from.
    NameState {
        /// There is none; the reason says why.
        Absent = 0 => "absent",
        /// The filter manager's normalised name.
        Normalized = 1 => "normalized",
        /// The name as it was opened; the reason says why not the normalised one.
        Opened = 2 => "opened",
        /// The image of a process, as the process manager keeps it.
        Image = 3 => "image",
    }
}
