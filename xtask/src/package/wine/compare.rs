//! What the registry says of a service, against what the INF file promises.

use std::collections::{BTreeMap, BTreeSet};

use driver_package::install::{Data, Service};

use super::hive::{Hive, Value};
use super::prefix::windows_path;

/// Where the services are.
const SERVICES: &str = "System\\CurrentControlSet\\Services";
/// What Wine's service manager adds by itself.
const ADDED: [&str; 2] = ["objectname", "preshutdowntimeout"];
/// What the SetupAPI of Wine 8 does not write, though the INF file says it.
const IGNORED: [&str; 2] = ["dependonservice", "security"];

/// Every promise that was not kept, and everything that nobody promised.
pub(super) fn service(service: &Service, registry: &Hive) -> Vec<String> {
    let own = format!("{SERVICES}\\{}", service.name);
    let promised = promised(service);
    let mut broken = Vec::new();
    for (key, values) in &promised {
        let path = joined(&own, key);
        let Some(found) = registry.key(&path) else {
            broken.push(format!("there is no key {path}"));
            continue;
        };
        for (name, value) in values {
            let now = found.get(&name.to_lowercase());
            if now != Some(value) {
                broken.push(format!("{path}, {name}: {now:?} instead of {value:?}"));
            }
        }
        let names: BTreeSet<_> = values.keys().map(|name| name.to_lowercase()).collect();
        let more = found.keys().filter(|name| !names.contains(*name));
        let more = more.filter(|name| !(key.is_empty() && is_expected(name)));
        broken.extend(more.map(|name| format!("{path} has {name}, which nobody promised")));
    }
    let keys: BTreeSet<_> = promised.keys().map(|key| key.to_lowercase()).collect();
    let more = registry.below(&own).filter(|key| !keys.contains(*key));
    broken.extend(more.map(|key| format!("{own} has {key}, which nobody promised")));
    broken
}

fn is_expected(name: &str) -> bool {
    ADDED.contains(&name) || IGNORED.contains(&name)
}

fn joined(own: &str, key: &str) -> String {
    if key.is_empty() {
        own.to_owned()
    } else {
        format!("{own}\\{key}")
    }
}

/// The keys below the service's own, each with its values. A key is also promised by a key below it.
fn promised(service: &Service) -> BTreeMap<String, BTreeMap<String, Value>> {
    let (directory, file) = &service.binary;
    let text = |text: &str| Value::Text(text.to_owned());
    let own = [
        ("DisplayName", text(&service.display_name)),
        ("Description", text(&service.description)),
        ("ImagePath", Value::Text(windows_path(*directory, file))),
        ("Type", Value::Number(service.kind)),
        ("Start", Value::Number(service.start)),
        ("ErrorControl", Value::Number(service.error_control)),
        ("Group", text(&service.group)),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    let mut keys = BTreeMap::from([(String::new(), BTreeMap::from(own))]);
    for setting in &service.settings {
        for (index, _) in setting.key.match_indices('\\') {
            let above = setting.key.get(..index).unwrap_or_default();
            keys.entry(above.to_owned()).or_default();
        }
        let values = keys.entry(setting.key.clone()).or_default();
        let value = match &setting.data {
            Data::Nothing => continue,
            Data::Text(text) => Value::Text(text.clone()),
            Data::Number(number) => Value::Number(*number),
        };
        values.insert(setting.name.clone(), value);
    }
    keys
}

#[cfg(test)]
mod tests {
    use driver_package::install::Setting;

    use super::*;

    fn promise() -> Service {
        let setting = |key: &str, name: &str, data| Setting {
            key: key.to_owned(),
            name: name.to_owned(),
            data,
        };
        Service {
            name: "A".to_owned(),
            display_name: "a".to_owned(),
            description: "b".to_owned(),
            binary: (12, "a.sys".to_owned()),
            kind: 2,
            start: 3,
            error_control: 1,
            group: "G".to_owned(),
            dependencies: vec!["FltMgr".to_owned()],
            security: "D:P".to_owned(),
            settings: vec![
                setting("P", "", Data::Nothing),
                setting("I\\A", "Altitude", Data::Text("360000".to_owned())),
                setting("I\\A", "Flags", Data::Number(0)),
            ],
        }
    }

    const GOOD: &str = "WINE REGISTRY Version 2\n[System\\\\CurrentControlSet\\\\Services\\\\A]\n\
        \"DisplayName\"=\"a\"\n\"Description\"=\"b\"\n\
        \"ImagePath\"=\"C:\\\\windows\\\\system32\\\\drivers\\\\a.sys\"\n\"Type\"=dword:2\n\
        \"Start\"=dword:3\n\"ErrorControl\"=dword:1\n\"Group\"=\"G\"\n\"ObjectName\"=\"LocalSystem\"\n\
        [System\\\\CurrentControlSet\\\\Services\\\\A\\\\P]\n\
        [System\\\\CurrentControlSet\\\\Services\\\\A\\\\I]\n\
        [System\\\\CurrentControlSet\\\\Services\\\\A\\\\I\\\\A]\n\
        \"Altitude\"=\"360000\"\n\"Flags\"=dword:0\n";

    fn broken(from: &str, to: &str) -> Vec<String> {
        assert!(GOOD.contains(from));
        service(&promise(), &Hive::read(&GOOD.replace(from, to)).unwrap())
    }

    #[test]
    fn kept_promises_are_no_findings() {
        assert_eq!(broken("", ""), [""; 0]);
    }

    #[test]
    fn each_difference_is_one() {
        for (from, to) in [
            ("\"Type\"=dword:2", "\"Type\"=dword:1"),
            ("\"Type\"=dword:2", "\"Type\"=\"2\""),
            ("\"Group\"=\"G\"", ""),
            ("drivers\\\\a.sys", "a.sys"),
            ("\"Altitude\"=\"360000\"", "\"Altitude\"=\"360001\""),
            ("\"Flags\"=dword:0", "\"Flags\"=dword:0\n\"More\"=dword:0"),
            ("\\\\A\\\\P]\n", "\\\\A\\\\P]\n\"Policy\"=hex:00\n"),
        ] {
            assert_eq!(broken(from, to).len(), 1, "{from} -> {to}");
        }
        // One that is missing, and one that nobody promised.
        assert_eq!(broken("\\\\A\\\\P]", "\\\\A\\\\Q]").len(), 2);
    }
}
