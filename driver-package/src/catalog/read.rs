//! Reads catalogues of the second version, and refuses what it does not understand.

use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerInfos};
use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};

use super::asn1::{self, IndirectData, NameValue, Subject, TrustList};
use super::{Catalog, CatalogError, Member};
use crate::digest::{Digests, Kind};
use crate::stamp::Date;

/// The longest catalogue that is read. One of two files has some KiB with the signatures of Microsoft, and the library below
/// sorts sets in a time that grows with the square.
const BYTES_MAX: usize = 64 << 10;

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
    let catalog = Catalog {
        systems: systems(&list)?,
        date: Date::of(list.this_update)
            .ok_or_else(|| CatalogError::new("the catalogue is not valid from midnight on"))?,
        members,
    };
    if let Some(member) = catalog.double() {
        let what = format!("{} is in it twice", member.file);
        return Err(CatalogError::new(what));
    }
    refuse_idle(&lines, &catalog.members)?;
    Ok(catalog)
}

/// Every line is one of a member. Windows looks a file up by either digest.
fn refuse_idle(lines: &[Line], members: &[Member]) -> Result<()> {
    let is_used = |line: &&Line| members.iter().any(|member| member.file == line.file);
    match lines.iter().find(|line| !is_used(line)) {
        Some(Line { file, .. }) => {
            let what = format!("{file} is in it by SHA-1 alone");
            Err(CatalogError::new(what))
        }
        None => Ok(()),
    }
}

/// Refuses a catalogue whose list is not what its signature is about. By whom it was signed is for others to say.
pub(super) fn refuse_changed(bytes: &[u8]) -> Result<()> {
    let (list, signers) = signed(bytes)?;
    // The digest is of the content without its tag and length (RFC 2315, 9.3).
    let digest = Digests::of_bytes(list.value()).sha256;
    let signers = signers.0.as_slice();
    if signers.is_empty() {
        return Err(CatalogError::new("nobody has signed it"));
    }
    for signer in signers {
        let attributes = signer.signed_attrs.iter().flat_map(|set| set.iter());
        let told: Vec<_> = attributes
            .filter(|attribute| attribute.oid == asn1::MESSAGE_DIGEST)
            .flat_map(|attribute| attribute.values.iter())
            .collect();
        // There is one, of one value (RFC 5652, 11.2).
        let [told] = told.as_slice() else {
            let what = format!("its signature tells {} digests, not one", told.len());
            return Err(CatalogError::new(what));
        };
        if told.value() != digest {
            let what = "the digest of its list is not the one that was signed";
            return Err(CatalogError::new(what));
        }
    }
    Ok(())
}

/// What is signed, and by whom.
fn signed(bytes: &[u8]) -> Result<(Any, SignerInfos)> {
    if bytes.len() > BYTES_MAX {
        return Err(CatalogError::new("it is longer than 64 KiB"));
    }
    let content =
        ContentInfo::from_der(bytes).map_err(CatalogError::encoding("it is no PKCS #7 message"))?;
    if content.content_type != asn1::SIGNED_DATA {
        let what = format!("it is a message of another type, {}", content.content_type);
        return Err(CatalogError::new(what));
    }
    let signed: SignedData = content
        .content
        .decode_as()
        .map_err(CatalogError::encoding("its envelope is damaged"))?;
    let content = signed.encap_content_info;
    if content.econtent_type != asn1::TRUST_LIST {
        return Err(CatalogError::new("what is signed in it is no trust list"));
    }
    let list = content.econtent;
    let list = list.ok_or_else(|| CatalogError::new("it is empty"))?;
    Ok((list, signed.signer_infos))
}

fn list(bytes: &[u8]) -> Result<TrustList> {
    let (list, _) = signed(bytes)?;
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
    let file = file(subject)?;
    let digest = match values(subject, asn1::INDIRECT_DATA)?.as_slice() {
        [] => None,
        [data] => Some(indirect(data, &file)?),
        _ => {
            let what = format!("{file} is in it with two digests");
            return Err(CatalogError::new(what));
        }
    };
    Ok(Line {
        digest,
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
    let mut systems = None;
    for extension in list.extensions.iter().flatten() {
        if extension.oid == asn1::NAME_VALUE {
            let pair = NameValue::from_der(extension.value.as_bytes())
                .map_err(CatalogError::encoding("what it says of itself is damaged"))?;
            if pair.name.to_string() == "OS" {
                let text = pair.text();
                let text =
                    text.ok_or_else(|| CatalogError::new("its operating systems are no text"))?;
                if systems.replace(text).is_some() {
                    return Err(CatalogError::new("it names its operating systems twice"));
                }
            }
        }
    }
    systems.ok_or_else(|| CatalogError::new("it names no operating system"))
}

/// The name of the file that a member is about.
fn file(subject: &Subject) -> Result<String> {
    let mut file = None;
    for value in values(subject, asn1::NAME_VALUE)? {
        let pair: NameValue = decoded(value)?;
        if pair.name.to_string() == "File" {
            let text = pair.text();
            let text = text.ok_or_else(|| CatalogError::new("a name in it is no text"))?;
            if file.replace(text).is_some() {
                return Err(CatalogError::new("a member of it has two names"));
            }
        }
    }
    file.ok_or_else(|| CatalogError::new("a member of it has no name"))
}

/// The values of a member's attributes of this kind. Each has one.
fn values(subject: &Subject, oid: ObjectIdentifier) -> Result<Vec<&Any>> {
    let attributes = subject.attributes.iter();
    let own = attributes.filter(|attribute| attribute.oid == oid);
    own.map(|attribute| match attribute.values.as_slice() {
        [value] => Ok(value),
        _ => Err(CatalogError::new("an attribute has not one value")),
    })
    .collect()
}

fn decoded<T: for<'a> der::Decode<'a>>(value: &Any) -> Result<T> {
    let again = value.to_der().and_then(|bytes| T::from_der(&bytes));
    again.map_err(CatalogError::encoding("an attribute is damaged"))
}
