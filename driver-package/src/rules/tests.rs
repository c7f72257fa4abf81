//! Each rule against the real file, in which one thing is wrong.

use super::*;
use crate::stamp;

const INX: &str = include_str!("../../../inf/cloneguard.inx");

fn inf(arch: &str) -> String {
    let stamp = "11/26/2026,0.1.0.0".parse().unwrap();
    stamp::inf(INX, arch, stamp).unwrap().replace("\r\n", "\n")
}

fn found(text: &str) -> Vec<String> {
    let found = breaches(&Inf::read(text.as_bytes()).unwrap());
    found.iter().map(Breach::to_string).collect()
}

/// The file with every `from` replaced breaks this rule, and only this.
fn breaks(id: &str, from: &str, to: &str) {
    let good = inf("amd64");
    assert!(good.contains(from), "the file has no {from:?}");
    let found = found(&good.replace(from, to));
    let is_it = |line: &String| line.starts_with(&format!("{id} ("));
    assert!(!found.is_empty(), "{from:?} -> {to:?} breaks nothing");
    assert!(found.iter().all(is_it), "{from:?} -> {to:?}: {found:#?}");
}

#[test]
fn the_file_of_each_architecture_breaks_no_rule() {
    for arch in ["amd64", "arm64"] {
        assert_eq!(found(&inf(arch)), [""; 0]);
    }
}

#[test]
fn ids_are_told_apart() {
    for (index, rule) in RULES.iter().enumerate() {
        let others = RULES.iter().skip(index + 1);
        assert!(
            others.clone().all(|other| other.id != rule.id),
            "{}",
            rule.id
        );
    }
}

#[test]
fn version() {
    breaks("1001", "$Windows NT$", "$CHICAGO$");
    breaks("1204", "The CloneGuard authors", "Microsoft Corporation");
    breaks("1233", "CatalogFile = cloneguard.cat", "CatalogFile =");
    breaks("version", "Provider    = %Provider%", "");
    breaks("DriverVer", "11/26/2026", "26/11/2026");
    breaks("1324", "PnpLockdown = 1", "PnpLockdown = 0");
}

#[test]
fn sections() {
    breaks(
        "1203",
        "DelFiles        = CloneGuard.OldDeletedFiles",
        "DelFiles = CloneGuard.OldDeletedFiles, Gone",
    );
    breaks(
        "1205",
        "[CloneGuard.OldDriverFiles]\n",
        "[DefaultUninstall.NTamd64]\nDelFiles = CloneGuard.OldDriverFiles\n[CloneGuard.OldDriverFiles]\n",
    );
    breaks("1235", "%Disk%", "%Disc%");
    breaks(
        "1300",
        "LegacyUninstall = 1",
        "LegacyUninstall = 1\nUnregisterDlls = Some",
    );
    breaks(
        "1313",
        "LegacyUninstall = 1",
        "LegacyUninstall = 1\nNeeds = Some",
    );
    breaks("2083", "[Strings]", "[Idle]\na = 1\n[Strings]");
}

#[test]
fn primitive_driver() {
    breaks("1212", "[Strings]", "[Manufacturer]\n[Strings]");
    breaks(
        "1421",
        "[Strings]",
        "[DefaultUninstall]\nLegacyUninstall = 1\n[Strings]",
    );
    breaks(
        "LegacyUninstall",
        "LegacyUninstall = 1",
        "LegacyUninstall = 0",
    );
    breaks("ranges", ".NTamd64.10.0...25952", ".NTamd64.10.0...26100");
    breaks(
        "install",
        "DisplayName    = %DisplayName%\nDescription    = %Description%\nServiceBinary  = %13%",
        "Description = %Description%\nServiceBinary = %13%",
    );
    breaks("1285", "[Strings]", "[ClassInstall32]\na = 1\n[Strings]");
}

#[test]
fn what_is_installed_is_understood_to_the_letter() {
    breaks(
        "install",
        "CopyFiles  = CloneGuard.DriverFiles",
        "CopyFiles = CloneGuard.DriverFiles, cloneguard.driverfiles",
    );
    breaks(
        "install",
        "[CloneGuard.DriverFiles]\ncloneguard.sys",
        "[CloneGuard.DriverFiles]\nother = cloneguard.sys",
    );
    for flags in ["number", "+0", "0x+0"] {
        let to = format!("HKR,\"Parameters\",,{flags}");
        breaks("install", "HKR,\"Parameters\",,0x00000010", &to);
    }
    breaks("install", "%13%\\cloneguard.sys", "%013%\\cloneguard.sys");
}

#[test]
fn files() {
    breaks("1230", "cloneguard.sys = 1", "other.sys = 1");
    breaks("1230", "1 = %Disk%", "2 = %Disk%");
    breaks(
        "source twice",
        "cloneguard.sys = 1",
        "cloneguard.sys = 1\nCloneGuard.sys = 1",
    );
    breaks(
        "decorated sources",
        "[Strings]",
        "[SourceDisksFiles.amd64]\nother.sys = 1\n[Strings]",
    );
    breaks("binary", "%12%\\cloneguard.sys", "%12%\\clonegard.sys");
    let old = "CloneGuard.DriverFiles     = 13";
    let good = inf("amd64").replace("%13%", "%12%");
    let found = found(&good.replace(old, "CloneGuard.DriverFiles = 12"));
    assert!(
        found[0].starts_with("1322 (") && found.len() == 1,
        "{found:#?}"
    );
}

#[test]
fn registry() {
    breaks(
        "1304",
        "HKR,\"Parameters\",,0x00000010",
        "HKLM,\"Software\",,0x00000010",
    );
    breaks(
        "1302",
        "OptionDesc = %Description%\nCopyFiles  = CloneGuard.DriverFiles",
        "DelReg = CloneGuard.Registry2\nCopyFiles = CloneGuard.DriverFiles\n[CloneGuard.Registry2]",
    );
    let good = inf("amd64");
    breaks(
        "133x",
        "[CloneGuard.Registry]\n",
        "[CloneGuard.Registry]\nHKR,\"Parameters\",\"supportedfeatures\",0x00010001,1\n",
    );
    breaks(
        "1323",
        "[CloneGuard.Registry]\n",
        "[CloneGuard.Registry]\nHKR,,\"More\",0x00010001,1\n",
    );
    let append = good.replace(
        "HKR,\"Parameters\",,0x00000010",
        "HKR,,\"List\",0x00010008,\"a\"",
    );
    assert!(found(&append).iter().any(|line| line.starts_with("1305 (")));
}

#[test]
fn minifilter() {
    breaks("service", "\"CloneGuard: audit of block clones\"", "\"\"");
    breaks("service", "ServiceType    = 2", "ServiceType    = 1");
    breaks("service", "StartType      = 3", "StartType      = 4");
    breaks("service", "ErrorControl   = 1", "ErrorControl   = 3");
    breaks("service", "\"FltMgr\"", "\"RpcSs\"");
    breaks(
        "altitude",
        "\"FSFilter Activity Monitor\"",
        "\"FSFilter Anti-Virus\"",
    );
    breaks(
        "altitude",
        "{b86dff51-a31e-4bac-b3cf-e8cfe75c9fc2}",
        "{b1d1a169-c54f-4379-81db-bee7d88d7454}",
    );
    for altitude in ["390000", "359999.9", "360000.", "36x000", "0x57e40"] {
        breaks("altitude", "369999.9731", altitude);
    }
    breaks(
        "instances",
        "\"SupportedFeatures\"",
        "\"supportedFeatures\"",
    );
    breaks(
        "instances",
        "SupportedFeatures = 0xf",
        "SupportedFeatures = 0x1f",
    );
    breaks(
        "instances",
        "\"DefaultInstance\",0x00000000,%Instance%",
        "\"DefaultInstance\",0x00000000,\"Other\"",
    );
    breaks("instances", "InstanceFlags = 0x0", "InstanceFlags = 0x4");
    breaks(
        "instances",
        "HKR,\"Instances\\\"%Instance%,\"Flags\"",
        "HKR,\"Parameters\\Instances\\\"%Instance%,\"Flags\"",
    );
}

#[test]
fn security() {
    breaks("security", "\"D:P(", "\"D:(");
    breaks("security", "(A;;CCLCSWLORC;;;AU)", "(A;;CCLCSWRPLORC;;;AU)");
    breaks("security", "(A;;CCLCSWLORC;;;AU)", "(A;;GA;;;AU)");
    breaks("security", "(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)", "");
    breaks("security", "(A;;CCLCSWLORC;;;AU)", "(A;;CC");
}
