//! Reads catalogues of the second version, and refuses what it does not understand.

use anyhow::{Context as _, Result, bail, ensure};
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};

use super::asn1::{self, IndirectData, NameValue, Subject, TrustList};
use super::{Catalog, Member};
use crate::digest::{Digests, Kind};
use crate::stamp::Date;

/// What one line of the list says.
struct Line {
    file: String,
    identifier: Vec<u8>,
    /// What the indirect data says, in a line that has it.
    digest: Option<(Kind, Vec<u8>)>,
}

pub(super) fn catalog(bytes: &[u8]) -> Result<Catalog> {
    let list = list(bytes)?;
    let lines: Vec<_> = list.subjects.iter().map(line).collect::<Result<_>>()?;
    let members = lines
        .iter()
        .filter_map(|line| Some((line, line.digest.as_ref()?)))
        .map(|(line, digest)| member(line, digest, &lines))
        .collect::<Result<_>>()?;
    Ok(Catalog {
        systems: systems(&list)?,
        date: Date::of(list.this_update)?,
        members,
    })
}

/// Refuses a catalogue whose list is not what its signature is about. By whom it was signed is for others to say.
pub(super) fn refuse_changed(bytes: &[u8]) -> Result<()> {
    let signed = signed(bytes)?;
    let list = signed.encap_content_info.econtent;
    // The digest is of the content without its tag and length (RFC 2315, 9.3).
    let digest = Digests::of_bytes(list.context("it is empty")?.value()).sha256;
    let signers = signed.signer_infos.0.as_slice();
    ensure!(!signers.is_empty(), "nobody has signed it");
    for signer in signers {
        let attributes = signer.signed_attrs.iter().flat_map(|set| set.iter());
        let told = attributes
            .filter(|attribute| attribute.oid == asn1::MESSAGE_DIGEST)
            .find_map(|attribute| attribute.values.get(0));
        let told = told.context("its signature tells no digest")?;
        ensure!(
            told.value() == digest,
            "the digest of its list is not the one that was signed"
        );
    }
    Ok(())
}

fn signed(bytes: &[u8]) -> Result<SignedData> {
    let content = ContentInfo::from_der(bytes).context("it is no PKCS #7 message")?;
    ensure!(
        content.content_type == asn1::SIGNED_DATA,
        "it is a message of another type, {}",
        content.content_type
    );
    content
        .content
        .decode_as()
        .context("its envelope is damaged")
}

fn list(bytes: &[u8]) -> Result<TrustList> {
    let content = signed(bytes)?.encap_content_info;
    ensure!(
        content.econtent_type == asn1::TRUST_LIST,
        "what is signed in it is no trust list"
    );
    let list = content.econtent.context("it is empty")?;
    let list: TrustList = list.decode_as().context("its list is damaged")?;
    ensure!(
        list.usage == [asn1::CATALOG_LIST],
        "its list is none of a catalogue"
    );
    ensure!(
        list.algorithm.oid == asn1::CATALOG_LIST_MEMBER_V2,
        "its list is of another version than the second"
    );
    Ok(list)
}

fn line(subject: &Subject) -> Result<Line> {
    let file = name_value(subject, "File")?.context("a member of it has no name")?;
    let digest = value(subject, asn1::INDIRECT_DATA)?;
    Ok(Line {
        digest: digest.map(|data| indirect(&data, &file)).transpose()?,
        identifier: subject.identifier.as_bytes().to_vec(),
        file,
    })
}

fn indirect(data: &Any, file: &str) -> Result<(Kind, Vec<u8>)> {
    let data: IndirectData = decoded(data)?;
    ensure!(
        data.digest.algorithm.oid == asn1::SHA256,
        "{file} is in it with another digest than SHA-256"
    );
    let kind = match data.data.oid {
        asn1::PE_IMAGE_DATA => Kind::Image,
        asn1::FLAT_DATA => Kind::Flat,
        other => bail!("{file} is in it as something unknown, {other}"),
    };
    Ok((kind, data.digest.digest.as_bytes().to_vec()))
}

/// Joins the line with the indirect data and the one that has the other digest.
fn member(line: &Line, (kind, digest): &(Kind, Vec<u8>), lines: &[Line]) -> Result<Member> {
    let file = &line.file;
    ensure!(
        *digest == line.identifier,
        "{file} is in it under a digest that is not its own"
    );
    let others: Vec<_> = lines
        .iter()
        .filter(|other| other.digest.is_none() && other.file == *file)
        .collect();
    let [other] = others.as_slice() else {
        bail!("{file} is in it by SHA-1 {} times", others.len());
    };
    let sha256 = digest.as_slice().try_into();
    let sha1 = other.identifier.as_slice().try_into();
    Ok(Member {
        file: file.clone(),
        kind: *kind,
        digests: Digests {
            sha256: sha256.ok().with_context(|| wrong_length(file))?,
            sha1: sha1.ok().with_context(|| wrong_length(file))?,
        },
    })
}

fn wrong_length(file: &str) -> String {
    format!("{file} is in it with a digest of a wrong length")
}

fn systems(list: &TrustList) -> Result<String> {
    for extension in list.extensions.iter().flatten() {
        if extension.oid == asn1::NAME_VALUE {
            let pair = NameValue::from_der(extension.value.as_bytes())?;
            if pair.name.to_string() == "OS" {
                return pair.text().context("its operating systems are no text");
            }
        }
    }
    bail!("it names no operating system")
}

fn name_value(subject: &Subject, name: &str) -> Result<Option<String>> {
    let pairs = subject.attributes.iter();
    for attribute in pairs.filter(|attribute| attribute.oid == asn1::NAME_VALUE) {
        let value = attribute.values.get(0).context("an attribute is empty")?;
        let pair: NameValue = decoded(value)?;
        if pair.name.to_string() == name {
            let text = pair.text();
            return Ok(Some(
                text.with_context(|| format!("a value of {name} is no text"))?,
            ));
        }
    }
    Ok(None)
}

/// The value of an attribute, if the member has it.
fn value(subject: &Subject, oid: ObjectIdentifier) -> Result<Option<Any>> {
    let mut attributes = subject.attributes.iter();
    let Some(attribute) = attributes.find(|attribute| attribute.oid == oid) else {
        return Ok(None);
    };
    let value = attribute.values.get(0).context("an attribute is empty")?;
    Ok(Some(value.clone()))
}

fn decoded<T: for<'a> der::Decode<'a>>(value: &Any) -> Result<T> {
    Ok(T::from_der(&value.to_der()?)?)
}
