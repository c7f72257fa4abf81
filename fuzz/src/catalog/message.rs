//! The message that a catalogue is, as plain values: read from its bytes, and written to them.

use super::der::{
    self, BMP, CONTEXT_0, INTEGER, OCTETS, OID, SEQUENCE, SET, UTC_TIME, Value, oid, value,
};

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SHA256: &str = "2.16.840.1.101.3.4.2.1";
const RSA: &str = "1.2.840.113549.1.1.1";
const TRUST_LIST: &str = "1.3.6.1.4.1.311.10.1";
const CATALOG: &str = "1.3.6.1.4.1.311.12.1.1";
const MEMBERS: &str = "1.3.6.1.4.1.311.12.1.3";
const NAME_VALUE: &str = "1.3.6.1.4.1.311.12.2.1";
const INDIRECT: &str = "1.3.6.1.4.1.311.2.1.4";
const IMAGE: &str = "1.3.6.1.4.1.311.2.1.15";
const FLAT: &str = "1.3.6.1.4.1.311.2.1.25";

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) lines: Vec<Line>,
    /// The values of the extension "OS".
    pub(super) systems: Vec<String>,
    /// As UTCTime has it.
    pub(super) time: String,
    /// For each signer the digests that it has signed.
    pub(super) signers: Vec<Signer>,
}

/// The digests that a signer has signed.
pub(super) type Signer = Vec<Vec<u8>>;

/// A line of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) identifier: Vec<u8>,
    /// The values of the attributes "File".
    pub(super) files: Vec<String>,
    /// The indirect data: whether it is of an image, and the digest.
    pub(super) indirect: Vec<(bool, Vec<u8>)>,
}

impl Message {
    /// What is signed, and the signers; nothing if it is no list that can be.
    pub(super) fn signed(bytes: &[u8]) -> Option<(Value<'_>, Vec<Signer>)> {
        let [kind, content] = der::only(bytes)?.parts(SEQUENCE)?[..] else {
            return None;
        };
        let signed = der::only(content.of(CONTEXT_0)?)?.parts(SEQUENCE)?;
        let [_, _, inner, .., signers] = signed[..] else {
            return None;
        };
        let [inner_kind, list] = inner.parts(SEQUENCE)?[..] else {
            return None;
        };
        if kind.of(OID)? != oid(SIGNED_DATA) || inner_kind.of(OID)? != oid(TRUST_LIST) {
            return None;
        }
        let list = der::only(list.of(CONTEXT_0)?)?;
        let signers = signers
            .parts(SET)?
            .into_iter()
            .map(signer)
            .collect::<Option<_>>()?;
        Some((list, signers))
    }

    /// Reads; nothing if it is no catalogue in the form that is known here.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (list, signers) = Self::signed(bytes)?;
        let [usage, _, time, algorithm, subjects, rest @ ..] = &list.parts(SEQUENCE)?[..] else {
            return None;
        };
        let is = |value: &Value<'_>, name| {
            let parts = value.parts(SEQUENCE)?;
            (parts.first()?.of(OID)? == oid(name)).then_some(())
        };
        is(usage, CATALOG)?;
        is(algorithm, MEMBERS)?;
        let lines = subjects
            .parts(SEQUENCE)?
            .into_iter()
            .map(line)
            .collect::<Option<_>>()?;
        Some(Self {
            lines,
            systems: systems(rest)?,
            time: String::from_utf8(time.of(UTC_TIME)?.to_vec()).ok()?,
            signers,
        })
    }

    /// Writes it, with `digest` of what is to be signed.
    pub(super) fn write(&self, digest: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let named = |name| value(OID, &[&oid(name)]);
        let list = self.list();
        let own = digest(der::only(&list).expect("just written").content);
        let signers = self.signers.iter().map(|told| {
            let told = told
                .iter()
                .map(|told| if told.is_empty() { &own } else { told });
            signer_of(&told.map(Vec::as_slice).collect::<Vec<_>>())
        });
        let inner = value(SEQUENCE, &[&named(TRUST_LIST), &value(CONTEXT_0, &[&list])]);
        let signed = value(
            SEQUENCE,
            &[
                &value(INTEGER, &[&[1]]),
                &der::set(vec![]),
                &inner,
                &der::set(signers.collect()),
            ],
        );
        value(
            SEQUENCE,
            &[&named(SIGNED_DATA), &value(CONTEXT_0, &[&signed])],
        )
    }

    fn list(&self) -> Vec<u8> {
        let named = |name| value(OID, &[&oid(name)]);
        let lines: Vec<u8> = self.lines.iter().flat_map(Line::write).collect();
        let extensions: Vec<u8> = self
            .systems
            .iter()
            .flat_map(|text| {
                let pair = value(OCTETS, &[&name_value("OS", text)]);
                value(SEQUENCE, &[&named(NAME_VALUE), &pair])
            })
            .collect();
        let extensions = value(CONTEXT_0, &[&value(SEQUENCE, &[&extensions])]);
        value(
            SEQUENCE,
            &[
                &value(SEQUENCE, &[&named(CATALOG)]),
                &value(OCTETS, &[&[0; 16]]),
                &value(UTC_TIME, &[self.time.as_bytes()]),
                &value(SEQUENCE, &[&named(MEMBERS), &[5, 0]]),
                &value(SEQUENCE, &[&lines]),
                &extensions,
            ],
        )
    }
}

fn signer(value: Value<'_>) -> Option<Vec<Vec<u8>>> {
    let parts = value.parts(SEQUENCE)?;
    let mut told = Vec::new();
    for signed in parts.iter().filter(|part| part.tag == CONTEXT_0) {
        for (name, values) in attributes(&der::all(signed.content)?)? {
            if name == oid(MESSAGE_DIGEST) {
                told.extend(values.iter().map(|value| value.content.to_vec()));
            }
        }
    }
    Some(told)
}

/// A signer whose signature nobody looks at here.
fn signer_of(told: &[&[u8]]) -> Vec<u8> {
    let algorithm = |name| value(SEQUENCE, &[&value(OID, &[&oid(name)]), &[5, 0]]);
    let attributes = told
        .iter()
        .map(|told| attribute(MESSAGE_DIGEST, &[value(OCTETS, &[told])]));
    let attributes = der::set(attributes.collect());
    let issuer = value(SEQUENCE, &[&value(SEQUENCE, &[]), &value(INTEGER, &[&[1]])]);
    value(
        SEQUENCE,
        &[
            &value(INTEGER, &[&[1]]),
            &issuer,
            &algorithm(SHA256),
            &value(
                CONTEXT_0,
                &[der::only(&attributes).expect("just written").content],
            ),
            &algorithm(RSA),
            &value(OCTETS, &[&[0; 4]]),
        ],
    )
}

fn systems(rest: &[Value<'_>]) -> Option<Vec<String>> {
    let mut systems = Vec::new();
    for extensions in rest {
        for extension in der::only(extensions.of(CONTEXT_0)?)?.parts(SEQUENCE)? {
            let [name, pair] = extension.parts(SEQUENCE)?[..] else {
                return None;
            };
            if name.of(OID)? == oid(NAME_VALUE)
                && let Some((name, text)) = pair_of(der::only(pair.of(OCTETS)?)?)
                && name == "OS"
            {
                systems.push(text);
            }
        }
    }
    Some(systems)
}

fn line(subject: Value<'_>) -> Option<Line> {
    let [identifier, set] = subject.parts(SEQUENCE)?[..] else {
        return None;
    };
    let mut line = Line {
        identifier: identifier.of(OCTETS)?.to_vec(),
        ..Line::default()
    };
    for (name, values) in attributes(&set.parts(SET)?)? {
        for one in values {
            if name == oid(NAME_VALUE) {
                let file = pair_of(one).filter(|(name, _)| name == "File");
                line.files.extend(file.map(|(_, text)| text));
            } else if name == oid(INDIRECT) {
                line.indirect.push(indirect(one)?);
            }
        }
    }
    Some(line)
}

fn indirect(data: Value<'_>) -> Option<(bool, Vec<u8>)> {
    let [kind, info] = data.parts(SEQUENCE)?[..] else {
        return None;
    };
    let kind = kind.parts(SEQUENCE)?.first()?.of(OID)?;
    let [algorithm, digest] = info.parts(SEQUENCE)?[..] else {
        return None;
    };
    let is_known = kind == oid(IMAGE) || kind == oid(FLAT);
    let is_sha256 = algorithm.parts(SEQUENCE)?.first()?.of(OID)? == oid(SHA256);
    (is_known && is_sha256).then_some(())?;
    Some((kind == oid(IMAGE), digest.of(OCTETS)?.to_vec()))
}

/// Names and values of attributes.
fn attributes<'a>(values: &[Value<'a>]) -> Option<Vec<(&'a [u8], Vec<Value<'a>>)>> {
    let attributes = values
        .iter()
        .map(|attribute| match attribute.parts(SEQUENCE)?[..] {
            [name, values] => Some((name.of(OID)?, values.parts(SET)?)),
            _ => None,
        });
    attributes.collect()
}

/// A name and its text.
fn pair_of(pair: Value<'_>) -> Option<(String, String)> {
    let [name, _, text] = pair.parts(SEQUENCE)?[..] else {
        return None;
    };
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> Option<Vec<u16>> {
        let (pairs, rest) = bytes.as_chunks();
        rest.is_empty()
            .then(|| pairs.iter().map(|pair| unit(*pair)).collect())
    };
    let name = String::from_utf16(&units(name.of(BMP)?, u16::from_be_bytes)?).ok()?;
    let mut text = units(text.of(OCTETS)?, u16::from_le_bytes)?;
    (text.pop()? == 0).then_some(())?;
    Some((name, String::from_utf16(&text).ok()?))
}

fn name_value(name: &str, text: &str) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let text = text.encode_utf16().chain([0]);
    let text: Vec<u8> = text.flat_map(u16::to_le_bytes).collect();
    let flags = value(INTEGER, &[&[0x10, 1, 0, 1]]);
    value(
        SEQUENCE,
        &[&value(BMP, &[&name]), &flags, &value(OCTETS, &[&text])],
    )
}

fn attribute(name: &str, values: &[Vec<u8>]) -> Vec<u8> {
    value(
        SEQUENCE,
        &[&value(OID, &[&oid(name)]), &der::set(values.to_vec())],
    )
}

impl Line {
    fn write(&self) -> Vec<u8> {
        let mut attributes = Vec::new();
        for file in &self.files {
            attributes.push(attribute(NAME_VALUE, &[name_value("File", file)]));
        }
        for (is_image, digest) in &self.indirect {
            let kind = value(OID, &[&oid(if *is_image { IMAGE } else { FLAT })]);
            let algorithm = value(SEQUENCE, &[&value(OID, &[&oid(SHA256)]), &[5, 0]]);
            let info = value(SEQUENCE, &[&algorithm, &value(OCTETS, &[digest])]);
            let data = value(SEQUENCE, &[&value(SEQUENCE, &[&kind, &[5, 0]]), &info]);
            attributes.push(attribute(INDIRECT, &[data]));
        }
        value(
            SEQUENCE,
            &[&value(OCTETS, &[&self.identifier]), &der::set(attributes)],
        )
    }
}
