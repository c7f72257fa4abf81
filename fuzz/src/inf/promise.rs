//! What a file that no rule objects to has to have, asked of the second reading.
//!
//! Not the rules again: only that what Windows and the filter manager will look for is there, with a value they
//! can use ("Creating an INF file for a minifilter driver").

use super::plain::{Line, Plain};

/// The build from which on instances stand below `Parameters`.
const NEWER: &str = ".10.0...25952";
const GROUP: &str = "FSFilter Activity Monitor";
/// `REG_SZ` and `REG_DWORD` as the flags of AddReg have them.
const TEXT: u32 = 0;
const NUMBER: u32 = 0x0001_0001;
const CLASS: &str = "{b86dff51-a31e-4bac-b3cf-e8cfe75c9fc2}";

/// Asks.
///
/// # Panics
/// If something is not there.
pub(super) fn kept(plain: &Plain) {
    let version = |key| first(plain, "Version", key).map(str::to_ascii_lowercase);
    let is = |key, value: &str| assert_eq!(version(key).as_deref(), Some(value), "{key}");
    is("Signature", "$windows nt$");
    is("Class", "activitymonitor");
    is("ClassGuid", CLASS);
    is("PnpLockdown", "1");
    assert!(version("CatalogFile").is_some_and(|name| name.ends_with(".cat")));
    assert!(version("Provider").is_some_and(|who| !who.is_empty() && !who.contains("microsoft")));
    stamped(plain);
    assert_eq!(plain.undefined, []);
    let names = plain
        .sections
        .iter()
        .map(|(name, ..)| name.to_ascii_lowercase());
    let names: Vec<_> = names.collect();
    assert!(!names.iter().any(|name| name == "manufacturer"));
    assert!(!names.iter().any(|name| name.starts_with("classinstall32")));
    let is_install = |name: &&String| {
        let rest = name.strip_prefix("defaultinstall");
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('.') && !rest.ends_with(".services")
        })
    };
    let mut installs: Vec<_> = names.iter().filter(is_install).collect();
    installs.sort();
    let mut expected = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let older = format!("defaultinstall.nt{architecture}");
        if names.contains(&older) {
            expected.extend([older.clone(), older + NEWER]);
        }
    }
    assert!(!expected.is_empty());
    assert_eq!(installs, expected.iter().collect::<Vec<_>>());
    for install in installs {
        installed(plain, install);
    }
}

/// The first value behind the first of these keys.
fn first<'a>(plain: &'a Plain, section: &str, key: &str) -> Option<&'a str> {
    let (_, _, values) = keyed(plain, section, key).next()?;
    Some(&values[0])
}

fn keyed<'a>(plain: &'a Plain, section: &str, key: &str) -> impl Iterator<Item = &'a Line> {
    let lines = plain.section(section).unwrap_or_default().iter();
    lines.filter(move |(_, own, _)| {
        own.as_ref()
            .is_some_and(|own| own.eq_ignore_ascii_case(key))
    })
}

/// A number as the page on AddReg has it.
fn number(text: &str) -> Option<u32> {
    let is_digit = |digit: char, radix| digit.is_digit(radix);
    match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) if hex.chars().all(|digit| is_digit(digit, 16)) => {
            u32::from_str_radix(hex, 16).ok()
        }
        None if text.chars().all(|digit| is_digit(digit, 10)) => text.parse().ok(),
        _ => None,
    }
}

/// A day that there is, and four numbers of 16 bits.
fn stamped(plain: &Plain) {
    let (_, _, values) = keyed(plain, "Version", "DriverVer")
        .next()
        .expect("a stamp");
    let [date, version] = values.as_slice() else {
        panic!("{values:?}");
    };
    let part = |part: &str| {
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse::<u16>())
    };
    let numbers = |text: &str, separator| -> Vec<u16> {
        let parts = text.split(separator).map(part);
        parts
            .map(|number| number.expect("digits").expect("16 bits"))
            .collect()
    };
    let [month, day, _] = numbers(date, '/')[..] else {
        panic!("{date}");
    };
    assert!(
        (1..=12).contains(&month) && (1..=31).contains(&day),
        "{date}"
    );
    assert_eq!(numbers(version, '.').len(), 4, "{version}");
}

/// Files and service of one section.
fn installed(plain: &Plain, install: &str) {
    let is_newer = install.ends_with(NEWER);
    let copied = copied(plain, install, is_newer);
    let services = format!("{install}.Services");
    let added: Vec<_> = keyed(plain, &services, "AddService").collect();
    let [(_, _, values)] = added.as_slice() else {
        panic!("{added:?}");
    };
    let (name, section) = (&values[0], &values[2]);
    assert!(!name.is_empty());
    let binary = first(plain, section, "ServiceBinary").unwrap_or_default();
    assert!(
        copied.contains(&binary.to_ascii_lowercase()),
        "{binary} of {copied:?}"
    );
    let value = |key| first(plain, section, key).and_then(number);
    assert_eq!(value("ServiceType"), Some(2));
    assert_eq!(value("ErrorControl"), Some(1));
    assert!(value("StartType").is_some_and(|start| start < 4));
    assert_eq!(first(plain, section, "LoadOrderGroup"), Some(GROUP));
    let mut needed = keyed(plain, section, "Dependencies").flat_map(|(_, _, values)| values);
    assert!(needed.any(|name| name.eq_ignore_ascii_case("FltMgr")));
    let descriptor = first(plain, section, "Security").unwrap_or_default();
    assert!(descriptor.starts_with("D:P(A;;"), "{descriptor}");
    let settings = Settings::of(plain, section);
    let (parameters, instances) = if is_newer {
        ("Parameters", "Parameters\\Instances")
    } else {
        ("", "Instances")
    };
    let features = number(settings.at(parameters, "SupportedFeatures", NUMBER));
    assert!(features.is_some_and(|features| features < 16));
    attached(&settings, instances);
}

/// The files that a section copies, as a service names them.
fn copied(plain: &Plain, install: &str, is_newer: bool) -> Vec<String> {
    let mut copied = Vec::new();
    for list in keyed(plain, install, "CopyFiles").flat_map(|(_, _, values)| values) {
        let directory = first(plain, "DestinationDirs", list);
        let directory = directory.or(first(plain, "DestinationDirs", "DefaultDestDir"));
        let directory = directory.and_then(number).expect("a directory");
        let is_allowed = directory == 13 || directory == 12 && !is_newer;
        assert!(is_allowed, "{directory}");
        for (_, _, values) in plain.section(list).expect("a list of files") {
            let name = values[0].to_ascii_lowercase();
            let disk = first(plain, "SourceDisksFiles", &name).expect("a source");
            assert!(first(plain, "SourceDisksNames", disk).is_some(), "{disk}");
            copied.push(format!("%{directory}%\\{name}"));
        }
    }
    copied
}

/// What the filter manager needs to attach an instance.
fn attached(settings: &Settings<'_>, instances: &str) {
    let default = settings.at(instances, "DefaultInstance", TEXT);
    let own = format!("{instances}\\{default}");
    let altitude = settings.at(&own, "Altitude", TEXT);
    let (whole, fraction) = altitude.split_once('.').unwrap_or((altitude, "0"));
    let is_inside = |whole| (360_000..390_000).contains(&whole);
    assert!(number(whole).is_some_and(is_inside), "{altitude}");
    let has_digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    assert!(!fraction.is_empty() && has_digits, "{altitude}");
    let flags = number(settings.at(&own, "Flags", NUMBER));
    assert!(flags.is_some_and(|flags| flags < 4));
}

/// What is written below the key of a service: key, name, kind, value.
struct Settings<'a>(Vec<(&'a str, &'a str, u32, &'a str)>);

impl<'a> Settings<'a> {
    fn of(plain: &'a Plain, service: &str) -> Self {
        let mut settings = Vec::new();
        for list in keyed(plain, service, "AddReg").flat_map(|(_, _, values)| values) {
            for (line, key, values) in plain.section(list).expect("a list of values") {
                let is_own = key.is_none() && values[0].eq_ignore_ascii_case("HKR");
                assert!(is_own, "line {line}");
                let value = |index: usize| values.get(index).map_or("", String::as_str);
                let flags = if value(3).is_empty() {
                    Some(TEXT)
                } else {
                    number(value(3))
                };
                settings.push((value(1), value(2), flags.expect("flags"), value(4)));
            }
        }
        Self(settings)
    }

    /// The one value of this name.
    fn at(&self, key: &str, name: &str, kind: u32) -> &'a str {
        let settings = self.0.iter();
        let found: Vec<_> = settings
            .filter(|(own, ..)| own.eq_ignore_ascii_case(key))
            .filter(|(_, own, ..)| own.eq_ignore_ascii_case(name))
            .map(|(_, _, kind, value)| (*kind, *value))
            .collect();
        let first = found.first();
        let is_one = first.is_some_and(|(own, value)| {
            // A number may be written in two ways.
            let is_same = |other: &(u32, &str)| {
                other.0 == kind && (other.1 == *value || number(other.1) == number(value))
            };
            *own == kind && found.iter().all(is_same)
        });
        assert!(is_one, "{key} {name}: {found:?}");
        first.map_or("", |(_, value)| value)
    }
}
