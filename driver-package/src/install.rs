//! What an INF file promises to install, for each range of Windows versions.
//!
//! [`ranges`] finds the sections that Windows may choose; [`Promise`] is what one of them brings: files, a service,
//! its registry values. It can be compared with what was installed.

use std::collections::BTreeSet;

use crate::digits;
use crate::inf::{Inf, Line, Section};
use crate::problem::Problem;

/// The directory of the driver store.
/// <https://learn.microsoft.com/windows-hardware/drivers/install/using-dirids>
pub const DRIVER_STORE: u32 = 13;
/// `%windir%\system32\drivers`
pub const DRIVERS: u32 = 12;
/// The first build whose filter manager looks for instances below `Parameters`, as the decoration says it.
/// <https://learn.microsoft.com/windows-hardware/drivers/ifs/creating-an-inf-file-for-a-minifilter-driver>
pub const PARAMETERS_BUILD: u32 = 25952;
/// How the section of an installation begins its name.
pub const INSTALL: &str = "DefaultInstall";
/// How the section that undoes one begins its name.
pub const UNINSTALL: &str = "DefaultUninstall";

/// Two for each of the two architectures are four; more than twice that nobody needs, and each costs a look at all lists.
const RANGES_MAX: usize = 8;

/// A decorated section: `DefaultInstall.NTamd64.10.0...25952`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The name of the section.
    pub section: String,
    /// As decorations call it, in small letters; none in a section without decoration.
    pub architecture: Option<String>,
    /// The build from which on Windows chooses it; none if it has no such bound.
    pub build: Option<u32>,
}

impl Range {
    /// Takes the name of a section apart that begins with `begin`.
    fn parse(name: &str, begin: &str) -> Option<Result<Self, Problem>> {
        let head = name.get(..begin.len())?;
        let tail = name.get(begin.len()..)?;
        if !head.eq_ignore_ascii_case(begin) || !(tail.is_empty() || tail.starts_with('.')) {
            return None;
        }
        let lower = tail.to_ascii_lowercase();
        if lower.ends_with(".services") {
            return None;
        }
        Some(Self::decorated(name, lower.get(1..).unwrap_or_default()))
    }

    /// `ntamd64`, or `ntamd64.10.0...25952`: major and minor version, product type, suite, build.
    fn decorated(name: &str, decoration: &str) -> Result<Self, Problem> {
        let mut range = Self {
            section: name.to_owned(),
            architecture: None,
            build: None,
        };
        let mut parts = decoration.split('.');
        let architecture = parts.next().unwrap_or_default();
        if let Some(architecture) = architecture.strip_prefix("nt").filter(|a| !a.is_empty()) {
            range.architecture = Some(architecture.to_owned());
        }
        let version: Vec<_> = parts.collect();
        range.build = match version.as_slice() {
            [] => None,
            ["10", "0"] => Some(0),
            ["10", "0", "", "", build] => {
                let wrong = || Problem::whole(format!("[{name}]: the build is no number"));
                let number = digits(build).filter(|_| !build.starts_with('0'));
                Some(number.ok_or_else(wrong)?)
            }
            _ => {
                let what = format!("[{name}]: a decoration that is not understood here");
                return Err(Problem::whole(what));
            }
        };
        Ok(range)
    }

    /// Whether the filter manager of these builds looks below `Parameters`.
    pub fn has_parameters(&self) -> bool {
        self.build.is_some_and(|build| build >= PARAMETERS_BUILD)
    }
}

/// The sections that say for one architecture alone what the files of the package are. Its page says that SetupAPI looks
/// a file up there first and then in the plain section, "Authoring an INF File" (Win32) that it uses the one instead of
/// the other. An INF file for one architecture has no need of them.
/// <https://learn.microsoft.com/windows-hardware/drivers/install/inf-sourcedisksfiles-section>
pub fn decorated_sources(inf: &Inf) -> impl Iterator<Item = &Section> {
    let is_one = |section: &&Section| {
        let name = section.name.to_ascii_lowercase();
        let mut parts = name.splitn(2, '.');
        let head = parts.next().unwrap_or_default();
        parts.next().is_some() && ["sourcedisksfiles", "sourcedisksnames"].contains(&head)
    };
    inf.sections().iter().filter(is_one)
}

/// The sections of the file that Windows may choose to install.
pub fn ranges(inf: &Inf) -> Result<Vec<Range>, Problem> {
    beginning(inf, INSTALL)
}

/// The sections with this name, decorated or not.
pub(crate) fn beginning(inf: &Inf, begin: &str) -> Result<Vec<Range>, Problem> {
    let names = inf.sections().iter().map(|section| &section.name);
    let ranges: Vec<_> = names
        .filter_map(|name| Range::parse(name, begin))
        .collect::<Result<_, _>>()?;
    if ranges.len() > RANGES_MAX {
        let what = format!("more than {RANGES_MAX} sections of [{begin}] are not understood here");
        return Err(Problem::whole(what));
    }
    Ok(ranges)
}

/// A file to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, at its source and where it goes.
    pub name: String,
    /// The number of the directory it goes to.
    pub directory: u32,
}

/// What a section brings.
#[derive(Debug)]
pub struct Promise {
    /// The files that are copied.
    pub files: Vec<File>,
    /// The one service that is added.
    pub service: Service,
}

/// A service, as its section says.
#[derive(Debug)]
pub struct Service {
    /// What it is called, also in the registry.
    pub name: String,
    /// `DisplayName`
    pub display_name: String,
    /// `Description`
    pub description: String,
    /// The number of the directory, and the file in it.
    pub binary: (u32, String),
    /// `ServiceType`
    pub kind: u32,
    /// `StartType`
    pub start: u32,
    /// `ErrorControl`
    pub error_control: u32,
    /// `LoadOrderGroup`
    pub group: String,
    /// The services that have to be started before it.
    pub dependencies: Vec<String>,
    /// `Security`, a descriptor in its language.
    pub security: String,
    /// What is written below its key, in the order of the lines.
    pub settings: Vec<Setting>,
}

/// A value in the registry, below the service's own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The path of the key from that of the service; empty if it is this one.
    pub key: String,
    /// The name of the value.
    pub name: String,
    /// Its kind and content.
    pub data: Data,
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The key alone.
    Nothing,
    /// A text (`REG_SZ`).
    Text(String),
    /// A number (`REG_DWORD`).
    Number(u32),
}

impl Promise {
    /// Follows the directives of one section; refuses what cannot be told from the file.
    pub fn of(inf: &Inf, range: &Range) -> Result<Self, Problem> {
        let section = named(inf, &range.section)?;
        let mut files = Vec::new();
        for list in lists(section, "CopyFiles")? {
            files.extend(copied(inf, list)?);
        }
        let services = named(inf, &format!("{}.Services", range.section))?;
        let mut added = services.all("AddService");
        let line = added
            .next()
            .ok_or_else(|| Problem::whole(format!("[{}] adds no service", services.name)))?;
        if let Some(second) = added.next() {
            let what = format!("[{}] adds more than one service", services.name);
            return Err(Problem::at(second.number, what));
        }
        let service = Service::read(inf, line.get(0), named(inf, line.get(2))?)?;
        Ok(Self { files, service })
    }
}

impl Service {
    fn read(inf: &Inf, name: &str, section: &Section) -> Result<Self, Problem> {
        let text = |key| {
            let value = section.value(key);
            value.ok_or_else(|| Problem::whole(format!("[{}] says no {key}", section.name)))
        };
        let count = |key| {
            let wrong = || Problem::whole(format!("[{}]: {key} is no number", section.name));
            number(text(key)?).ok_or_else(wrong)
        };
        let mut settings = Vec::new();
        for list in lists(section, "AddReg")? {
            for line in &named(inf, list)?.lines {
                settings.push(setting(line)?);
            }
        }
        Ok(Self {
            name: name.to_owned(),
            display_name: text("DisplayName")?.to_owned(),
            description: text("Description")?.to_owned(),
            binary: in_directory(text("ServiceBinary")?)?,
            kind: count("ServiceType")?,
            start: count("StartType")?,
            error_control: count("ErrorControl")?,
            group: text("LoadOrderGroup")?.to_owned(),
            dependencies: section
                .all("Dependencies")
                .flat_map(|line| line.values.clone())
                .collect(),
            security: text("Security")?.to_owned(),
            settings,
        })
    }
}

fn named<'a>(inf: &'a Inf, name: &str) -> Result<&'a Section, Problem> {
    inf.section(name)
        .ok_or_else(|| Problem::whole(format!("there is no section [{name}]")))
}

/// The sections that a directive names. Named again, one would bring nothing new, and a small file would ask for
/// very much.
fn lists<'a>(section: &'a Section, directive: &'a str) -> Result<Vec<&'a str>, Problem> {
    let mut named = BTreeSet::new();
    let mut lists = Vec::new();
    for line in section.all(directive) {
        for list in &line.values {
            if !named.insert(list.to_ascii_lowercase()) {
                let what = format!("{directive} names [{list}] again");
                return Err(Problem::at(line.number, what));
            }
            lists.push(list.as_str());
        }
    }
    Ok(lists)
}

/// The lines of a list have no key.
fn refuse_key(line: &Line) -> Result<(), Problem> {
    match &line.key {
        Some(key) => Err(Problem::at(line.number, format!("{key} = in a list"))),
        None => Ok(()),
    }
}

/// The files of a list, and where `[DestinationDirs]` sends them.
fn copied(inf: &Inf, list: &str) -> Result<Vec<File>, Problem> {
    let directory = destination(inf, list)?;
    let lines = &named(inf, list)?.lines;
    let files = lines.iter().map(|line| {
        refuse_key(line)?;
        if !line.get(1).is_empty() {
            let what = "is renamed, which the driver store does not do (InfVerif 1100)";
            return Err(Problem::at(line.number, format!("{} {what}", line.get(0))));
        }
        Ok(File {
            name: line.get(0).to_owned(),
            directory,
        })
    });
    files.collect()
}

fn destination(inf: &Inf, list: &str) -> Result<u32, Problem> {
    let destinations = named(inf, "DestinationDirs")?;
    let mut lines = destinations
        .all(list)
        .chain(destinations.all("DefaultDestDir"));
    let line = lines.next().ok_or_else(|| {
        Problem::whole(format!(
            "[DestinationDirs] does not say where [{list}] goes"
        ))
    })?;
    if !line.get(1).is_empty() {
        let what = "a directory below another is not understood here (InfVerif 1100)";
        return Err(Problem::at(line.number, what));
    }
    number(line.get(0)).ok_or_else(|| Problem::at(line.number, "no number of a directory"))
}

/// `%13%\cloneguard.sys`
fn in_directory(path: &str) -> Result<(u32, String), Problem> {
    let parts = path.strip_prefix('%').and_then(|rest| rest.split_once('%'));
    let parts = parts.filter(|(number, _)| !number.starts_with('0'));
    let parts = parts.and_then(|(number, rest)| Some((digits(number)?, rest)));
    let parts = parts.and_then(|(number, rest)| Some((number, rest.strip_prefix('\\')?)));
    let (number, file) = parts
        .ok_or_else(|| Problem::whole(format!("\"{path}\" is no file in a numbered directory")))?;
    Ok((number, file.to_owned()))
}

/// `root,subkey,name,flags,value`
/// <https://learn.microsoft.com/windows-hardware/drivers/install/inf-addreg-directive>
fn setting(line: &Line) -> Result<Setting, Problem> {
    const TEXT: u32 = 0x0000_0000;
    const NUMBER: u32 = 0x0001_0001;
    const KEY_ONLY: u32 = 0x0000_0010;
    refuse_key(line)?;
    let flags = match line.get(3) {
        "" => TEXT,
        flags => {
            number(flags).ok_or_else(|| Problem::at(line.number, "flags that are no number"))?
        }
    };
    let data = match flags {
        KEY_ONLY => Data::Nothing,
        TEXT => Data::Text(line.get(4).to_owned()),
        NUMBER => {
            Data::Number(number(line.get(4)).ok_or_else(|| Problem::at(line.number, "no number"))?)
        }
        _ => return Err(Problem::at(line.number, "a kind of value not used here")),
    };
    Ok(Setting {
        key: line.get(1).to_owned(),
        name: line.get(2).to_owned(),
        data,
    })
}

/// A number, decimal or hexadecimal.
pub(crate) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // It would take a sign.
        Some(hex) if hex.starts_with('+') => None,
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(name: &str) -> Option<Result<Range, Problem>> {
        Range::parse(name, INSTALL)
    }

    #[test]
    fn decorations() {
        let parts = |name| {
            let range = range(name).unwrap().unwrap();
            (range.architecture, range.build)
        };
        let amd64 = || Some("amd64".to_owned());
        assert_eq!(parts("defaultinstall.NTamd64"), (amd64(), None));
        assert_eq!(parts("DefaultInstall.NTAMD64.10.0"), (amd64(), Some(0)));
        assert_eq!(
            parts("DefaultInstall.NTamd64.10.0...25952"),
            (amd64(), Some(25952))
        );
        assert_eq!(parts("DefaultInstall"), (None, None));
        assert!(range("DefaultInstall.NTamd64.Services").is_none());
        assert!(range("DefaultInstaller").is_none());
        assert!(range("DefaultInstall.NTamd64.10.0...x").unwrap().is_err());
        assert!(range("DefaultInstall.NTamd64.6.1").unwrap().is_err());
        for build in ["025952", "+25952", ""] {
            let name = format!("DefaultInstall.NTamd64.10.0...{build}");
            assert!(range(&name).unwrap().is_err(), "{build}");
        }
        // Windows looks for no such section.
        assert!(range("DefaultInstall..NTamd64").unwrap().is_err());
    }

    #[test]
    fn the_second_range_begins_where_the_filter_manager_changed() {
        let has = |name| range(name).unwrap().unwrap().has_parameters();
        assert!(has("DefaultInstall.NTarm64.10.0...25952"));
        assert!(!has("DefaultInstall.NTarm64.10.0...25951"));
        assert!(!has("DefaultInstall.NTarm64"));
    }

    #[test]
    fn there_are_not_more_ranges_than_windows_has_architectures_for() {
        let inf = |count| {
            let names = (1..=count).map(|build| format!("[{INSTALL}.NTamd64.10.0...{build}]\n"));
            Inf::read(names.collect::<String>().as_bytes()).unwrap()
        };
        assert_eq!(ranges(&inf(8)).unwrap().len(), 8);
        assert!(ranges(&inf(9)).is_err());
    }

    #[test]
    fn numbers_and_directories() {
        assert_eq!(
            (number("0x00010001"), number("12")),
            (Some(0x10001), Some(12))
        );
        for wrong in ["", "0x", "-1", "+1", "0x+1", "1 "] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
        assert_eq!(
            in_directory("%13%\\a.sys").unwrap(),
            (13, "a.sys".to_owned())
        );
        for wrong in ["a.sys", "%13%a.sys", "%x%\\a.sys", "%13\\a.sys"] {
            assert!(in_directory(wrong).is_err(), "{wrong}");
        }
    }
}
