//! JSON objects put together from paths, and pieces of names that several formats want.

use crate::{Entry, Timestamp};
use serde_json::{Map, Value};

/// An object within objects. What is not known is not put in.
#[derive(Debug, Default)]
pub(super) struct Document(Map<String, Value>);

impl Document {
    /// Puts a value at the end of a path; nothing if it is not known.
    pub(super) fn put(&mut self, path: &str, value: impl Into<Value>) {
        let value = value.into();
        if value.is_null() {
            return;
        }
        let mut names = path.split('.');
        let last = names.next_back().unwrap_or_default();
        let mut at = &mut self.0;
        for name in names {
            let inner = at.entry(name).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else {
                return;
            };
            at = inner;
        }
        at.insert(last.to_owned(), value);
    }

    /// The object.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// The object, unless it is empty.
    pub(super) fn into_some(self) -> Option<Value> {
        (!self.0.is_empty()).then_some(Value::Object(self.0))
    }
}

/// What identifies an entry for ever: the load of the driver and the number within.
pub(super) fn entry_id(entry: &Entry) -> String {
    format!(
        "{}-{}",
        crate::label::hex(&entry.boot_id()),
        entry.sequence()
    )
}

/// The entry as our own JSON, so that nothing of it is lost.
pub(super) fn own(entry: &Entry) -> Value {
    serde_json::to_value(entry).unwrap_or_default()
}

/// A path in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    /// Up to the last separator; none if there is none.
    pub(super) directory: Option<&'t str>,
    /// Behind it, without the stream.
    pub(super) name: &'t str,
    /// Behind its last dot.
    pub(super) extension: Option<&'t str>,
    /// Name of the stream, unless it is the main one.
    pub(super) stream: Option<&'t str>,
    /// The device that the path begins with.
    pub(super) device: Option<&'t str>,
}

impl<'t> Parts<'t> {
    pub(super) fn of(path: &'t str) -> Self {
        let (directory, last) = match path.rsplit_once('\\') {
            Some((directory, last)) => (Some(directory), last),
            None => (None, path),
        };
        let (name, stream) = last.split_once(':').unwrap_or((last, ""));
        let stream = stream.strip_suffix(":$DATA").unwrap_or(stream);
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        let rest = path.strip_prefix("\\Device\\");
        let device = rest.and_then(|rest| {
            let end = "\\Device\\".len() + rest.find('\\').unwrap_or(rest.len());
            path.get(..end)
        });
        Self {
            directory,
            name,
            extension: extension.filter(|extension| !extension.is_empty()),
            stream: (!stream.is_empty()).then_some(stream),
            device,
        }
    }
}

/// The last part of a path.
pub(super) fn base_name(path: &str) -> &str {
    Parts::of(path).name
}

/// Milliseconds since 1970, rounded down.
pub(super) fn unix_milliseconds(time: Timestamp) -> i64 {
    /// 1970-01-01 as a FILETIME in milliseconds.
    const UNIX_EPOCH: i64 = 11_644_473_600_000;
    // A 64-bit count of 100 ns is less than 2^63 ms.
    i64::try_from(time.filetime() / 10_000).unwrap_or(i64::MAX) - UNIX_EPOCH
}

/// A time so many units of 100 ns later.
pub(super) fn later(time: Timestamp, units: u64) -> Timestamp {
    Timestamp::from_filetime(time.filetime().saturating_add(units))
}

#[cfg(test)]
mod tests {
    use super::{Document, Parts, unix_milliseconds};
    use serde_json::json;

    #[test]
    fn unknown_values_leave_no_trace() {
        let mut document = Document::default();
        document.put("a.b.c", 1);
        document.put("a.b.d", Some("x"));
        document.put("a.e.f", None::<u64>);
        assert_eq!(
            document.into_value(),
            json!({"a": {"b": {"c": 1, "d": "x"}}})
        );
        assert_eq!(Document::default().into_some(), None);
    }

    #[test]
    fn paths_have_parts() {
        let parts = Parts::of(r"\Device\HarddiskVolume4\a\b.tar.gz:Zone.Identifier:$DATA");
        assert_eq!(parts.directory, Some(r"\Device\HarddiskVolume4\a"));
        assert_eq!((parts.name, parts.extension), ("b.tar.gz", Some("gz")));
        assert_eq!(
            (parts.stream, parts.device),
            (Some("Zone.Identifier"), Some(r"\Device\HarddiskVolume4"))
        );
        let parts = Parts::of("x::$DATA");
        assert_eq!(
            (parts.directory, parts.name, parts.stream, parts.device),
            (None, "x", None, None)
        );
        assert_eq!(Parts::of(r"\a\noext.").extension, None);
    }

    #[test]
    fn milliseconds_are_counted_from_1970() {
        let time = "2026-11-23T12:34:56.7890123Z".parse().unwrap();
        assert_eq!(unix_milliseconds(time), 1_795_437_296_789);
        assert_eq!(
            unix_milliseconds("1969-12-31T23:59:59.9".parse().unwrap()),
            -100
        );
    }
}
