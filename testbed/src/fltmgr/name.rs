//! File names: `FltGetFileNameInformation`, its unsafe sister, and the release.
//!
//! A name is the device name of the volume followed by the path. The opened name has the path as the
//! caller wrote it, the normalised one as the file system stores it
//! (`ns-fltkernel-_flt_file_name_information`). The name cache is per file object: what a query found
//! stays there. The structure and its string lie in paged memory that the driver may only read.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::frame::request_of;
use super::instance::own_instance;
use super::layout::name_information as info;
use super::phase::{self, Nature};
use super::{leak, lock, manager};
use crate::boundary::guest::Guest;
use crate::boundary::import::Call;
use crate::boundary::memory::{Access, BlockSpec};
use crate::io::FileObject;
use crate::machine::Machine;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_FLT_INVALID_NAME_REQUEST, STATUS_FLT_NAME_CACHE_MISS,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};
use crate::verifier::{CallSite, Rule, Violation};

/// The two forms in which a name is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Opened,
    Normalized,
}

/// Where to look for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Default,
    CacheOnly,
    FileSystemOnly,
    AlwaysAllowCacheLookup,
}

/// Which names of one file object the filter manager has cached.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameCache {
    opened: bool,
    normalized: bool,
}

impl NameCache {
    fn slot(&mut self, format: Format) -> &mut bool {
        match format {
            Format::Opened => &mut self.opened,
            Format::Normalized => &mut self.normalized,
        }
    }

    /// Somebody has asked for the normalized name.
    pub(crate) fn have_normalized(&mut self) {
        *self.slot(Format::Normalized) = true;
    }
}

#[derive(Debug)]
struct Held {
    site: CallSite,
    /// Address of the characters.
    text: u64,
}

/// Name information that drivers hold, by address.
#[derive(Debug, Default)]
pub(super) struct NameTable(Mutex<BTreeMap<u64, Held>>);

impl NameTable {
    pub(super) fn leaks(&self, driver: u32) -> Vec<Violation> {
        let held = lock(&self.0);
        let own = held.values().filter(|held| held.site.driver == driver);
        own.map(|held| {
            leak(
                "file name information",
                &held.site,
                "FltReleaseFileNameInformation",
            )
        })
        .collect()
    }
}

/// What a query asks for, and whether the file system may be asked now.
struct Query {
    format: Format,
    method: Method,
    cacheable: bool,
    safe: bool,
    /// The harness wants the file system to fail with this status.
    failure: Option<NtStatus>,
}

/// `FltGetFileNameInformation`.
pub(super) fn flt_get_file_name_information(
    call: &Call,
    data: u64,
    options: u32,
    information: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    if data == 0 || information == 0 {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    let request = request_of(call, data)?;
    let Some(query) = parse_options(call, options)? else {
        return Ok(STATUS_INVALID_PARAMETER);
    };
    // The page lists the top-level IRP; APCs disabled are from "Managing File Names" and forbid the
    // file-system query for the same reason.
    let thread = call.thread();
    let safe = !thread.has_top_level_irp() && thread.apcs_disabled() == 0;
    let query = Query {
        safe,
        failure: request.options.name_failure(),
        ..query
    };
    answer(call, &request.file, &query, information)
}

/// `FltGetFileNameInformationUnsafe`: for a file object that need not be that of the request. It does
/// not protect the caller: where the safe routine refuses, this one would deadlock.
pub(super) fn flt_get_file_name_information_unsafe(
    call: &Call,
    file: u64,
    instance: u64,
    options: u32,
    information: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    if information == 0 {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    if instance == 0 {
        return Err(call.violation(Rule::Name, "Instance NULL is for DriverEntry only"));
    }
    own_instance(call, instance)?;
    let file = call
        .machine()
        .objects()
        .payload::<FileObject>(ObjectAddress(file), Kind::File)?;
    let Some(query) = parse_options(call, options)? else {
        return Ok(STATUS_INVALID_PARAMETER);
    };
    if !file.is_open() {
        return Ok(STATUS_FLT_INVALID_NAME_REQUEST);
    }
    let thread = call.thread();
    let risky = thread.has_top_level_irp() || thread.apcs_disabled() != 0;
    if risky && query.method != Method::CacheOnly {
        let detail = "the file system is queried with a top-level IRP set or APCs disabled";
        return Err(call.violation(Rule::Name, detail));
    }
    answer(call, &file, &query, information)
}

/// Reads the options; `None` is an invalid combination.
fn parse_options(call: &Call, options: u32) -> Result<Option<Query>, Violation> {
    let known = info::FORMAT_MASK | info::QUERY_MASK | info::DO_NOT_CACHE;
    if options & !known != 0 {
        let detail = format!("NameOptions {options:#x}: flags of name providers");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    let format = match options & info::FORMAT_MASK {
        info::OPENED => Format::Opened,
        info::NORMALIZED => Format::Normalized,
        info::SHORT => return Err(call.violation(Rule::NotModelled, "short names")),
        _ => return Ok(None),
    };
    let method = match options & info::QUERY_MASK {
        info::QUERY_DEFAULT => Method::Default,
        info::QUERY_CACHE_ONLY => Method::CacheOnly,
        info::QUERY_FILESYSTEM_ONLY => Method::FileSystemOnly,
        info::QUERY_ALWAYS_ALLOW_CACHE_LOOKUP => Method::AlwaysAllowCacheLookup,
        _ => return Ok(None),
    };
    let cacheable = options & info::DO_NOT_CACHE == 0;
    Ok(Some(Query {
        format,
        method,
        cacheable,
        safe: true,
        failure: None,
    }))
}

fn answer(call: &Call, file: &FileObject, query: &Query, out: u64) -> Result<NtStatus, Violation> {
    call.guest().write_u64(out, 0, "FileNameInformation")?;
    let Some(volume) = file.volume() else {
        return Ok(STATUS_FLT_INVALID_NAME_REQUEST);
    };
    let status = look_up(&mut lock(file.name_cache()), query);
    if status != STATUS_SUCCESS {
        return Ok(status);
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let (path, format) = match query.format {
        Format::Opened => (file.opened_path(), info::OPENED),
        Format::Normalized => (file.normalized_path(), info::NORMALIZED),
    };
    let address = build(call, volume.name(), path, format)?;
    call.guest()
        .write_u64(out, address, "FileNameInformation")?;
    Ok(STATUS_SUCCESS)
}

/// Decides whether a query finds the name, in the words of the table of query methods on the page.
fn look_up(cache: &mut NameCache, query: &Query) -> NtStatus {
    let cached = *cache.slot(query.format);
    match query.method {
        Method::Default if !query.safe => return STATUS_FLT_INVALID_NAME_REQUEST,
        Method::FileSystemOnly if !query.safe => return STATUS_FLT_INVALID_NAME_REQUEST,
        Method::CacheOnly if !cached => return STATUS_FLT_NAME_CACHE_MISS,
        Method::AlwaysAllowCacheLookup if !cached && !query.safe => {
            return STATUS_FLT_NAME_CACHE_MISS;
        }
        Method::Default | Method::CacheOnly | Method::AlwaysAllowCacheLookup if cached => {
            return STATUS_SUCCESS;
        }
        Method::Default
        | Method::CacheOnly
        | Method::FileSystemOnly
        | Method::AlwaysAllowCacheLookup => {}
    }
    if let Some(failure) = query.failure {
        return failure;
    }
    if query.cacheable && query.method != Method::FileSystemOnly {
        *cache.slot(query.format) = true;
    }
    STATUS_SUCCESS
}

/// Makes the structure and its string and hands them to the driver.
fn build(call: &Call, volume: &str, path: &str, format: u32) -> Result<u64, Violation> {
    let machine = call.machine();
    let text: Vec<u8> = format!("{volume}{path}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let Ok(length) = u16::try_from(text.len()) else {
        return Err(call.violation(Rule::Testbed, "a name of more than 65535 bytes"));
    };
    // A volume name is a part of the name, so it is not longer.
    let volume_length = (volume.encode_utf16().count() * 2) as u16;
    let label = format!("name information of {volume}{path}");
    let buffer = paged(
        machine,
        text.len() as u64,
        2,
        format!("characters of the {label}"),
    )?;
    let address = paged(machine, u64::from(info::SIZE), 8, label)?;
    let guest = Guest::new(machine.memory(), 0);
    guest.host_write(buffer, &text)?;
    guest.host_write(address + info::LENGTH, &info::SIZE.to_le_bytes())?;
    guest.host_write(address + info::FORMAT, &format.to_le_bytes())?;
    for (place, length) in [(info::NAME, length), (info::VOLUME, volume_length)] {
        guest.host_write(address + place, &length.to_le_bytes())?;
        guest.host_write(address + place + 2, &length.to_le_bytes())?;
        guest.host_write(address + place + 8, &buffer.to_le_bytes())?;
    }
    let held = Held {
        site: call.site().clone(),
        text: buffer,
    };
    lock(&manager(call).names.0).insert(address, held);
    Ok(address)
}

fn paged(machine: &Machine, size: u64, align: u64, label: String) -> Result<u64, Violation> {
    let spec = BlockSpec::new(size, label);
    machine.memory().allocate(BlockSpec {
        align,
        paged: true,
        access: Access::ReadOnly,
        ..spec
    })
}

/// `FltReleaseFileNameInformation`.
pub(super) fn flt_release_file_name_information(
    call: &Call,
    information: u64,
) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    let Some(held) = lock(&manager(call).names.0).remove(&information) else {
        let place = call.machine().memory().describe(information);
        return Err(call.violation(Rule::Name, format!("{place} is no name information")));
    };
    let memory = call.machine().memory();
    memory.free(held.text, "FltReleaseFileNameInformation")?;
    memory.free(information, "FltReleaseFileNameInformation")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;

    fn query(method: Method) -> Query {
        Query {
            format: Format::Opened,
            method,
            cacheable: true,
            safe: true,
            failure: None,
        }
    }

    #[test]
    fn a_default_query_fills_the_cache_for_its_own_format() {
        let mut cache = NameCache::default();
        assert_eq!(
            look_up(&mut cache, &query(Method::CacheOnly)),
            STATUS_FLT_NAME_CACHE_MISS
        );
        assert_eq!(look_up(&mut cache, &query(Method::Default)), STATUS_SUCCESS);
        assert_eq!(
            look_up(&mut cache, &query(Method::CacheOnly)),
            STATUS_SUCCESS
        );
        let normalized = Query {
            format: Format::Normalized,
            ..query(Method::CacheOnly)
        };
        assert_eq!(look_up(&mut cache, &normalized), STATUS_FLT_NAME_CACHE_MISS);
    }

    #[test]
    fn a_file_system_query_neither_reads_nor_fills_the_cache() {
        let mut cache = NameCache::default();
        assert_eq!(
            look_up(&mut cache, &query(Method::FileSystemOnly)),
            STATUS_SUCCESS
        );
        assert_eq!(
            look_up(&mut cache, &query(Method::CacheOnly)),
            STATUS_FLT_NAME_CACHE_MISS
        );
        cache.opened = true;
        let failing = Query {
            failure: Some(STATUS_INVALID_PARAMETER),
            ..query(Method::FileSystemOnly)
        };
        assert_eq!(look_up(&mut cache, &failing), STATUS_INVALID_PARAMETER);
    }

    #[test]
    fn do_not_cache_leaves_the_cache_as_it_was() {
        let mut cache = NameCache::default();
        let uncached = Query {
            cacheable: false,
            ..query(Method::Default)
        };
        assert_eq!(look_up(&mut cache, &uncached), STATUS_SUCCESS);
        assert!(!cache.opened);
    }

    #[test]
    fn the_structure_names_volume_and_path_until_it_is_released() {
        Fixture::run("FltGetFileNameInformationUnsafe", |call, fixture| {
            let (out, guest) = (fixture.buffer(8), call.guest());
            let options = info::OPENED | info::QUERY_DEFAULT;
            let (file, instance) = (fixture.file, fixture.instance);
            let got = flt_get_file_name_information_unsafe(call, file, instance, options, out);
            assert_eq!(got, Ok(STATUS_SUCCESS));
            let address = guest.read_u64(out, "information").expect("readable");
            let part = |place| {
                let text = guest
                    .read_unicode_string(address + place, "part")
                    .expect("a string");
                String::from_utf16(&text).expect("text")
            };
            assert_eq!(part(info::NAME), r"\Device\HarddiskVolume1\File.txt");
            assert_eq!(part(info::VOLUME), r"\Device\HarddiskVolume1");
            assert!(guest.write_u8(address, 0, "write").is_err(), "read-only");
            assert_eq!(fixture.machine.filter_manager().names.leaks(0).len(), 1);
            assert_eq!(flt_release_file_name_information(call, address), Ok(()));
            assert!(guest.read_u8(address, "read").is_err(), "gone");
            let again = flt_release_file_name_information(call, address).unwrap_err();
            assert_eq!(again.rule, Rule::Name, "{again}");
        });
    }

    #[test]
    fn options_must_name_one_format_and_one_method() {
        Fixture::run("FltGetFileNameInformationUnsafe", |call, _| {
            let parse = |options| parse_options(call, options).map(|query| query.is_some());
            assert_eq!(parse(info::OPENED | info::QUERY_CACHE_ONLY), Ok(true));
            assert_eq!(parse(info::OPENED), Ok(false));
            assert_eq!(parse(info::QUERY_DEFAULT), Ok(false));
            assert_eq!(parse(info::OPENED | 0x0500), Ok(false));
            assert!(parse(info::SHORT | info::QUERY_DEFAULT).is_err());
            assert!(parse(info::OPENED | info::QUERY_DEFAULT | 0x0100_0000).is_err());
        });
    }

    #[test]
    fn an_unsafe_moment_allows_the_cache_lookups_only() {
        let mut cache = NameCache::default();
        let at = |method| Query {
            safe: false,
            ..query(method)
        };
        assert_eq!(
            look_up(&mut cache, &at(Method::Default)),
            STATUS_FLT_INVALID_NAME_REQUEST
        );
        let allow = Method::AlwaysAllowCacheLookup;
        assert_eq!(look_up(&mut cache, &at(allow)), STATUS_FLT_NAME_CACHE_MISS);
        cache.opened = true;
        assert_eq!(look_up(&mut cache, &at(allow)), STATUS_SUCCESS);
        assert_eq!(
            look_up(&mut cache, &at(Method::Default)),
            STATUS_FLT_INVALID_NAME_REQUEST
        );
        assert_eq!(look_up(&mut cache, &at(Method::CacheOnly)), STATUS_SUCCESS);
    }
}
