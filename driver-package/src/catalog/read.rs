//! Reads catalogues of the second version, and refuses what it does not understand.

use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};

use super::asn1::{self, Attribute, IndirectData, NameValue, Subject, TrustList};
use super::{Catalog, CatalogError, Member};
use crate::digest::{Digests, Kind};
use crate::stamp::Date;

type Result<T> = core::result::Result<T, CatalogError>;

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
        date: Date::of(list.this_update)
            .ok_or_else(|| CatalogError::new("the catalogue is not valid from midnight on"))?,
        members,
    })
}

/// Refuses a catalogue whose list is not what its signature is about. By whom it was signed is for others to say.
pub(super) fn refuse_changed(bytes: &[u8]) -> Result<()> {
    let signed = signed(bytes)?;
    let list = signed.encap_content_info.econtent;
    // The digest is of the content without its tag and length (RFC 2315, 9.3).
    let list = list.ok_or_else(|| CatalogError::new("it is empty"))?;
    let digest = Digests::of_bytes(list.value()).sha256;
    let signers = signed.signer_infos.0.as_slice();
    if signers.is_empty() {
        return Err(CatalogError::new("nobody has signed it"));
    }
    for signer in signers {
        let attributes = signer.signed_attrs.iter().flat_map(|set| set.iter());
        let told = attributes
            .filter(|attribute| attribute.oid == asn1::MESSAGE_DIGEST)
            .find_map(|attribute| attribute.values.get(0));
        let told = told.ok_or_else(|| CatalogError::new("its signature tells no digest"))?;
        if told.value() != digest {
            let what = "the digest of its list is not the one that was signed";
            return Err(CatalogError::new(what));
        }
    }
    Ok(())
}

fn signed(bytes: &[u8]) -> Result<SignedData> {
    let content =
        ContentInfo::from_der(bytes).map_err(CatalogError::encoding("it is no PKCS #7 message"))?;
    if content.content_type != asn1::SIGNED_DATA {
        let what = format!("it is a message of another type, {}", content.content_type);
        return Err(CatalogError::new(what));
    }
    let signed = content.content.decode_as();
    signed.map_err(CatalogError::encoding("its envelope is damaged"))
}

fn list(bytes: &[u8]) -> Result<TrustList> {
    let content = signed(bytes)?.encap_content_info;
    if content.econtent_type != asn1::TRUST_LIST {
        return Err(CatalogError::new("what is signed in it is no trust list"));
    }
    let list = content
        .econtent
        .ok_or_else(|| CatalogError::new("it is empty"))?;
    let list: TrustList = list
        .decode_as()
        .map_err(CatalogError::encoding("its list is damaged"))?;
    if list.usage != [asn1::CATALOG_LIST] {
        return Err(CatalogError::new("its list is none of a catalogue"));
    }
    if list.algorithm.oid != asn1::CATALOG_LIST_MEMBER_V2 {
        let what = "its list is of another version than the second";
        return Err(CatalogError::new(what));
    }
    Ok(list)
}

fn line(subject: &Subject) -> Result<Line> {
    let file = name_value(subject, "File")?;
    let file = file.ok_or_else(|| CatalogError::new("a member of it has no name"))?;
    let digest = value(subject, asn1::INDIRECT_DATA)?;
    Ok(Line {
        digest: digest.map(|data| indirect(&data, &file)).transpose()?,
        identifier: subject.identifier.as_bytes().to_vec(),
        file,
    })
}

fn indirect(data: &Any, file: &str) -> Result<(Kind, Vec<u8>)> {
    let data: IndirectData = decoded(data)?;
    if data.digest.algorithm.oid != asn1::SHA256 {
        let what = format!("{file} is in it with another digest than SHA-256");
        return Err(CatalogError::new(what));
    }
    let kind = match data.data.oid {
        asn1::PE_IMAGE_DATA => Kind::Image,
        asn1::FLAT_DATA => Kind::Flat,
        other => {
            let what = format!("{file} is in it as something unknown, {other}");
            return Err(CatalogError::new(what));
        }
    };
    Ok((kind, data.digest.digest.as_bytes().to_vec()))
}

/// Joins the line with the indirect data and the one that has the other digest.
fn member(line: &Line, (kind, digest): &(Kind, Vec<u8>), lines: &[Line]) -> Result<Member> {
    let file = &line.file;
    if *digest != line.identifier {
        let what = format!("{file} is in it under a digest that is not its own");
        return Err(CatalogError::new(what));
    }
    let others: Vec<_> = lines
        .iter()
        .filter(|other| other.digest.is_none() && other.file == *file)
        .collect();
    let [other] = others.as_slice() else {
        let what = format!("{file} is in it by SHA-1 {} times", others.len());
        return Err(CatalogError::new(what));
    };
    let sha256 = digest.as_slice().try_into();
    let sha1 = other.identifier.as_slice().try_into();
    Ok(Member {
        file: file.clone(),
        kind: *kind,
        digests: Digests {
            sha256: sha256.map_err(|_| wrong_length(file))?,
            sha1: sha1.map_err(|_| wrong_length(file))?,
        },
    })
}

fn wrong_length(file: &str) -> CatalogError {
    CatalogError::new(format!("{file} is in it with a digest of a wrong length"))
}

fn systems(list: &TrustList) -> Result<String> {
    for extension in list.extensions.iter().flatten() {
        if extension.oid == asn1::NAME_VALUE {
            let pair = NameValue::from_der(extension.value.as_bytes())
                .map_err(CatalogError::encoding("what it says of itself is damaged"))?;
            if pair.name.to_string() == "OS" {
                let text = pair.text();
                return text.ok_or_else(|| CatalogError::new("its operating systems are no text"));
            }
        }
    }
    Err(CatalogError::new("it names no operating system"))
}

fn name_value(subject: &Subject, name: &str) -> Result<Option<String>> {
    let pairs = subject.attributes.iter();
    for attribute in pairs.filter(|attribute| attribute.oid == asn1::NAME_VALUE) {
        let pair: NameValue = decoded(first(attribute)?)?;
        if pair.name.to_string() == name {
            let wrong = || CatalogError::new(format!("a value of {name} is no text"));
            return pair.text().ok_or_else(wrong).map(Some);
        }
    }
    Ok(None)
}

/// The value of an attribute, if the member has it.
fn value(subject: &Subject, oid: ObjectIdentifier) -> Result<Option<Any>> {
    let mut attributes = subject.attributes.iter();
    let attribute = attributes.find(|attribute| attribute.oid == oid);
    attribute.map(|found| first(found).cloned()).transpose()
}

/// The first value of an attribute.
fn first(attribute: &Attribute) -> Result<&Any> {
    let value = attribute.values.get(0);
    value.ok_or_else(|| CatalogError::new("an attribute is empty"))
}

fn decoded<T: for<'a> der::Decode<'a>>(value: &Any) -> Result<T> {
    let again = value.to_der().and_then(|bytes| T::from_der(&bytes));
    again.map_err(CatalogError::encoding("an attribute is damaged"))
}
