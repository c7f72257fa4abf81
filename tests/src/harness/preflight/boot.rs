//! Checks of what was decided when Windows started: signatures, Secure Boot, memory integrity, Driver Verifier.

use super::{Check, Facts, Id};

/// CODEINTEGRITY_OPTION_TESTSIGN (winternl.h; Win32, NtQuerySystemInformation).
const TEST_SIGN: u32 = 0x02;
/// CODEINTEGRITY_OPTION_HVCI_KMCI_ENABLED.
const HVCI: u32 = 0x400;

/// The image, as Driver Verifier has to name it.
const IMAGE: &str = "cloneguard.sys";

const RESTART: &str = "restart Windows";

pub(super) fn secure_boot(facts: &Facts) -> Check {
    let mend = [
        "shut Windows down",
        "Hyper-V, on the host: Set-VMFirmware -VMName NAME -EnableSecureBoot Off",
        "QEMU: start with a firmware without Secure Boot (OVMF_CODE.fd); a real machine: its firmware's setup",
        "start Windows; have the BitLocker recovery key at hand if its disk is encrypted",
    ];
    match &facts.secure_boot {
        Ok(false) => Check::good(Id::SecureBoot, "off"),
        Ok(true) => {
            let found =
                "on: Windows then takes no test signature, and bcdedit refuses to switch it on";
            Check::needed(Id::SecureBoot, found, &mend)
        }
        Err(why) => Check::unknown(Id::SecureBoot, why, &mend),
    }
}

pub(super) fn test_signing(facts: &Facts) -> Check {
    let mend = [
        "as an administrator: bcdedit /set testsigning on",
        RESTART,
        "to take it back later: bcdedit /set testsigning off, and restart",
    ];
    match &facts.code_integrity {
        Ok(options) if options & TEST_SIGN != 0 => Check::good(Id::TestSigning, "on"),
        Ok(_) => {
            let found = "off: Windows does not load a driver with a test signature";
            Check::needed(Id::TestSigning, found, &mend)
        }
        Err(why) => Check::unknown(Id::TestSigning, why, &mend),
    }
}

/// The image keeps the rules of memory integrity (xtask/src/image.rs), but a first run should have one unknown less.
pub(super) fn memory_integrity(facts: &Facts) -> Check {
    let mend = [
        "leave it on, or: Windows Security, Device security, Core isolation details, Memory integrity: Off",
        RESTART,
    ];
    match &facts.code_integrity {
        Ok(options) if options & HVCI == 0 => Check::good(Id::MemoryIntegrity, "off"),
        Ok(_) => {
            let found =
                "on: the driver is made for it; if it is \"blocked from loading\", look here first";
            Check::advice(Id::MemoryIntegrity, found, &mend)
        }
        Err(why) => Check::unknown(Id::MemoryIntegrity, why, &mend),
    }
}

pub(super) fn verifier(facts: &Facts) -> Check {
    let mend = [
        "as an administrator: verifier /standard /driver cloneguard.sys",
        RESTART,
        "to take it back later: verifier /reset, and restart",
    ];
    match &facts.verifier {
        Ok(verifier) => {
            let mut names = verifier.drivers.split_whitespace();
            let is_named = names.any(|name| name == "*" || name.eq_ignore_ascii_case(IMAGE));
            match verifier.level {
                Some(level) if is_named => {
                    Check::good(Id::Verifier, format!("watches {IMAGE}, flags {level:#x}"))
                }
                Some(_) | None => {
                    let found = format!("does not watch {IMAGE}: a run with it finds more");
                    Check::advice(Id::Verifier, found, &mend)
                }
            }
        }
        Err(why) => Check::with(
            Id::Verifier,
            super::State::Advice,
            format!("unknown: {why}"),
            &mend,
        ),
    }
}
