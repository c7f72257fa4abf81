//! The lists about records as such, and about the driver itself.

open_enum! {
    /// What a record tells about.
    RecordKind {
        /// One clone request, from the decision to its final status.
        Clone = 1 => "clone",
        /// One request with another code that shares blocks: seen, not judged, passed untouched.
        Seen = 2 => "seen",
        /// A policy that was loaded, or was not.
        Policy = 3 => "policy",
        /// The driver was loaded. The first record of a load.
        Started = 4 => "started",
        /// The driver is about to be unloaded. The last record of a load.
        Stopping = 5 => "stopping",
        /// A volume that is watched, is not, or is no longer.
        Volume = 6 => "volume",
        /// A program that wanted the records.
        Consumer = 7 => "consumer",
        /// The counters, at regular intervals.
        Heartbeat = 8 => "heartbeat",
        /// Records were lost; this one says how many and why.
        Gap = 9 => "gap",
        /// Many passed requests of one kind within one window, told together.
        Summary = 10 => "summary",
        /// The end of a request whose own record had to leave before it ended, or was lost.
        Ended = 11 => "ended",
    }
}

open_enum! {
    /// What a record is worth when room is short: each class has its own count of losses.
    LossClass {
        /// A request that passed, one that was seen, the end of either, a summary.
        Routine = 0 => "routine",
        /// A request that was flagged, would be refused, was refused or could not be looked at.
        Finding = 1 => "finding",
        /// What the driver says of itself.
        State = 2 => "state",
    }
}

open_enum! {
    /// Why a record was lost.
    LossCause {
        /// What room was left is kept for findings and state.
        Quota = 0 => "quota",
        /// There was no room at all.
        Full = 1 => "full",
        /// The record could not be written.
        Fault = 2 => "fault",
    }
}

open_enum! {
    /// How the load of the driver before this one ended.
    PreviousStop {
        /// Not known: what was stored could not be read.
        Unasked = 0 => "unasked",
        /// There was none.
        FirstStart = 1 => "first_start",
        /// It was unloaded.
        Clean = 2 => "clean",
        /// It just ended: a power failure, a crash.
        Unclean = 3 => "unclean",
        /// The machine was shut down.
        Shutdown = 4 => "shutdown",
    }
}

open_enum! {
    /// What happened to a volume.
    VolumeEvent {
        /// The driver watches it.
        Attached = 1 => "attached",
        /// The driver does not watch it.
        NotAttached = 2 => "not_attached",
        /// The driver no longer watches it.
        Detached = 3 => "detached",
    }
}

open_enum! {
    /// Why a volume is not, or no longer, watched.
    VolumeCause {
        /// There is none: it is watched.
        NoCause = 0 => "none",
        /// The driver's own set-up failed.
        Declined = 1 => "declined",
        /// The filter manager did not offer it: the policy for Dev Drives, or a manual detach before.
        NotOffered = 2 => "not_offered",
        /// The volume was dismounted.
        Dismounted = 3 => "dismounted",
        /// An administrator detached the driver from it.
        ManualDetach = 4 => "manual_detach",
    }
}

open_enum! {
    /// What happened to a program that wanted the records.
    ConsumerEvent {
        /// It is connected and receives them.
        Connected = 1 => "connected",
        /// Its connection is gone.
        Lost = 2 => "lost",
        /// It was turned away.
        Refused = 3 => "refused",
    }
}

open_enum! {
    /// What became of a policy.
    PolicyEvent {
        /// None is stored: observe everything, the default, is in force.
        Default = 1 => "default",
        /// The stored one is in force.
        Applied = 2 => "applied",
        /// The stored one has a fault and was refused whole; the one before stays in force.
        Faulty = 3 => "faulty",
        /// The stored one could not be read; the one before stays in force.
        Unreadable = 4 => "unreadable",
        /// The policy in force is locked until the machine restarts, so the stored one was not read.
        Locked = 5 => "locked",
    }
}
