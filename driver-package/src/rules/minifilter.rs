//! What the filter manager asks of a minifilter's service.

use super::files::promises;
use crate::inf::Inf;
use crate::install::{Data, Range, Service, Setting};
use crate::problem::Problem;

/// A class of filters: its name, its GUID, its load order group, and the whole numbers between which its altitudes
/// lie (the fractions of the last belong to it).
/// <https://learn.microsoft.com/windows-hardware/drivers/ifs/file-system-filter-driver-classes-and-class-guids>
const CLASS: (&str, &str) = ("ActivityMonitor", "{b86dff51-a31e-4bac-b3cf-e8cfe75c9fc2}");
const GROUP: &str = "FSFilter Activity Monitor";
const ALTITUDES: std::ops::RangeInclusive<u32> = 360_000..=389_999;
/// Service type, error control, and the greatest start type but "disabled".
const FILE_SYSTEM_DRIVER: u32 = 2;
const ERROR_NORMAL: u32 = 1;
const DEMAND_START: u32 = 3;
/// `SUPPORTED_FS_FEATURES_*` of ntifs.h, all of them.
const FEATURES: u32 = 0xF;

/// Asks the same of the service of every range.
fn each(inf: &Inf, check: fn(&Range, &Service) -> Vec<&'static str>) -> Vec<Problem> {
    let promises = promises(inf);
    let found = promises.iter().flat_map(|(range, promise)| {
        let found = check(range, &promise.service).into_iter();
        found.map(|what| Problem::whole(format!("[{}]: {what}", range.section)))
    });
    found.collect()
}

/// The sentences of the questions whose answer is no.
fn unless(questions: &[(bool, &'static str)]) -> Vec<&'static str> {
    let wrong = questions.iter().filter(|(is_right, _)| !is_right);
    wrong.map(|(_, what)| *what).collect()
}

pub(super) fn service(inf: &Inf) -> Vec<Problem> {
    each(inf, |_, service| {
        let depends = |name: &String| name.eq_ignore_ascii_case("FltMgr");
        let texts = [&service.name, &service.display_name, &service.description];
        unless(&[
            (
                !texts.into_iter().any(String::is_empty),
                "it has no name or no description",
            ),
            (service.kind == FILE_SYSTEM_DRIVER, "ServiceType is not 2"),
            (
                service.error_control == ERROR_NORMAL,
                "ErrorControl is not 1",
            ),
            (
                service.start <= DEMAND_START,
                "StartType is none that starts",
            ),
            (
                service.dependencies.iter().any(depends),
                "it does not depend on FltMgr",
            ),
        ])
    })
}

/// Class, group and altitude belong together.
pub(super) fn altitude(inf: &Inf) -> Vec<Problem> {
    let version = |key| {
        inf.section("Version")
            .and_then(|version| version.value(key))
            .unwrap_or("")
    };
    let own = unless(&[
        (version("Class") == CLASS.0, "Class is not ActivityMonitor"),
        (
            version("ClassGuid").eq_ignore_ascii_case(CLASS.1),
            "ClassGuid is not that of ActivityMonitor",
        ),
    ]);
    let mut wrong: Vec<_> = own.into_iter().map(Problem::whole).collect();
    wrong.extend(each(inf, |_, service| {
        let settings = service.settings.iter();
        let altitudes = settings.filter(|setting| setting.name.eq_ignore_ascii_case("Altitude"));
        let is_inside = |setting: &Setting| match &setting.data {
            Data::Text(text) => is_altitude(text),
            Data::Nothing | Data::Number(_) => false,
        };
        unless(&[
            (
                service.group == GROUP,
                "LoadOrderGroup is not that of the class",
            ),
            (
                altitudes.clone().all(is_inside),
                "an altitude is no text of digits in the range of the group",
            ),
        ])
    }));
    wrong
}

/// A whole number in the range, perhaps with a fraction.
fn is_altitude(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let has_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    has_digits(whole)
        && has_digits(fraction)
        && whole
            .parse()
            .is_ok_and(|number| ALTITUDES.contains(&number))
}

/// Instances and features stand where this range's filter manager looks, and nowhere else.
pub(super) fn instances(inf: &Inf) -> Vec<Problem> {
    each(inf, |range, service| {
        let (features, instances) = if range.has_parameters() {
            ("Parameters", "Parameters\\Instances")
        } else {
            ("", "Instances")
        };
        let at = |key: &str, name: &str| {
            let mut settings = service.settings.iter();
            let found = settings.find(|setting| setting.key == key && setting.name == name);
            found.map(|setting| &setting.data)
        };
        let default = match at(instances, "DefaultInstance") {
            Some(Data::Text(name)) => name.as_str(),
            _ => "",
        };
        let own = format!("{instances}\\{default}");
        unless(&[
            (
                matches!(at(features, "SupportedFeatures"), Some(Data::Number(n)) if n & !FEATURES == 0),
                "SupportedFeatures is not where it is looked for, or has unknown bits",
            ),
            (
                !default.is_empty(),
                "there is no DefaultInstance where it is looked for",
            ),
            (
                matches!(at(&own, "Altitude"), Some(Data::Text(_))),
                "the default instance has no altitude",
            ),
            (
                matches!(at(&own, "Flags"), Some(Data::Number(0..=3))),
                "the default instance has no flags, or unknown ones",
            ),
            (
                !has_strays(service, instances),
                "there are instances where nobody looks for them",
            ),
        ])
    })
}

/// Whether there are instances elsewhere than below this key.
fn has_strays(service: &Service, instances: &str) -> bool {
    let below = format!("{instances}\\");
    let mut keys = service.settings.iter().map(|setting| &setting.key);
    keys.any(|key| key.contains("Instances") && key != instances && !key.starts_with(&below))
}

/// A list that inherits nothing and gives more than looking to Local System and administrators only.
/// <https://learn.microsoft.com/windows/win32/services/service-security-and-access-rights>
pub(super) fn security(inf: &Inf) -> Vec<Problem> {
    each(inf, |_, service| {
        unless(&[(
            is_closed(&service.security),
            "Security lets others than Local System and administrators do more than look",
        )])
    })
}

fn is_closed(descriptor: &str) -> bool {
    let Some(entries) = descriptor.strip_prefix("D:P") else {
        return false;
    };
    let entries: Vec<_> = entries.split_inclusive(')').collect();
    let parsed: Vec<_> = entries.iter().filter_map(|entry| allowed(entry)).collect();
    let owners = ["SY", "BA"];
    let has = |who| parsed.iter().any(|(_, trustee)| *trustee == who);
    parsed.len() == entries.len()
        && owners.into_iter().all(has)
        && parsed
            .iter()
            .all(|(rights, trustee)| owners.contains(trustee) || only_looks(rights))
}

/// `(A;;rights;;;trustee)`
fn allowed(entry: &str) -> Option<(&str, &str)> {
    let fields: Vec<_> = entry
        .strip_prefix('(')?
        .strip_suffix(')')?
        .split(';')
        .collect();
    match fields.as_slice() {
        ["A", "", rights, "", "", trustee] => Some((*rights, *trustee)),
        _ => None,
    }
}

/// Query the configuration (CC), the status (LC), the dependents (SW), interrogate (LO), read the descriptor (RC).
fn only_looks(rights: &str) -> bool {
    const LOOKING: [&[u8]; 5] = [b"CC", b"LC", b"SW", b"LO", b"RC"];
    let pairs = rights.as_bytes().chunks(2);
    pairs.into_iter().all(|pair| LOOKING.contains(&pair))
}
