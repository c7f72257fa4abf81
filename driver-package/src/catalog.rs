//! Catalogue files: a certificate trust list of file digests in a PKCS #7 envelope, as Inf2Cat makes them.
//!
//! [`Catalog`] is what one says, [`Member`] what it says of a file; [`asn1`] are the structures. Every file is
//! entered twice, as MakeCat and Inf2Cat do it: by SHA-256 with the indirect data, and by SHA-1 without,
//! because older ways of looking a file up know no other digest. The envelope is unsigned.
//!
//! No document of Microsoft's has the encoding. The object identifiers are in wintrust.h and mscat.h
//! (`szOID_CATALOG_LIST_MEMBER_V2` and `CAT_MEMBERINFO2_OBJID` on the page of CryptCATCDFOpen); the rest was seen
//! in catalogues that Microsoft's tools made, of which the tests keep two members, byte by byte.

mod asn1;
mod error;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use der::asn1::{Any, OctetString, SetOfVec};

use crate::digest::{Digests, Kind};
use crate::stamp::Date;
pub use error::CatalogError;

/// What a catalogue says.
#[derive(Debug, PartialEq, Eq)]
pub struct Catalog {
    /// The operating systems it is for, in the words of Inf2Cat.
    pub systems: String,
    /// The day that it is valid from.
    pub date: Date,
    /// A line for every file.
    pub members: Vec<Member>,
}

/// What a catalogue says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name of the file, in small letters as Inf2Cat writes it.
    pub file: String,
    /// What is digested, and how.
    pub kind: Kind,
    /// The digests.
    pub digests: Digests,
}

impl Catalog {
    /// The catalogue as a file, without a signature. The same content makes the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CatalogError> {
        if let Some(member) = self.double() {
            let what = format!("{} would be in the catalogue twice", member.file);
            return Err(CatalogError::new(what));
        }
        let list = self.list().and_then(|list| asn1::envelope(&list));
        list.map_err(CatalogError::encoding("cannot encode the catalogue"))
    }

    /// Reads a catalogue, signed or not.
    pub fn read(bytes: &[u8]) -> Result<Self, CatalogError> {
        read::catalog(bytes)
    }

    /// Refuses the bytes of a catalogue that its signature is not about.
    pub fn refuse_changed(bytes: &[u8]) -> Result<(), CatalogError> {
        read::refuse_changed(bytes)
    }

    /// A member whose file is another's too. Names have no case.
    fn double(&self) -> Option<&Member> {
        let mut names = BTreeSet::new();
        let mut members = self.members.iter();
        members.find(|member| !names.insert(member.file.to_ascii_lowercase()))
    }

    fn by_name(&self) -> Vec<&Member> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by(|a, b| a.file.cmp(&b.file));
        members
    }

    fn list(&self) -> der::Result<asn1::TrustList> {
        let mut subjects = Vec::new();
        for member in self.by_name() {
            subjects.push(member.by_sha256()?);
            subjects.push(member.by_sha1()?);
        }
        // Windows searches the list, which its tools sort by digest; of files that are alike the name decides.
        subjects.sort_by(|a, b| a.identifier.as_bytes().cmp(b.identifier.as_bytes()));
        Ok(asn1::TrustList {
            usage: vec![asn1::CATALOG_LIST],
            identifier: OctetString::new(self.identifier())?,
            this_update: self.date.midnight()?,
            algorithm: asn1::algorithm(asn1::CATALOG_LIST_MEMBER_V2)?,
            subjects,
            extensions: Some(vec![asn1::Extension::name_value("OS", &self.systems)?]),
        })
    }

    /// Inf2Cat draws it by lot. Here the content decides, in whatever order it comes, so that building again makes the
    /// same file.
    fn identifier(&self) -> Vec<u8> {
        let mut all: Vec<u8> = self.systems.as_bytes().to_vec();
        for member in self.by_name() {
            all.extend(member.file.as_bytes());
            all.extend(member.digests.sha256);
        }
        let mut identifier = Digests::of_bytes(&all).sha256.to_vec();
        identifier.truncate(asn1::LIST_IDENTIFIER_BYTES);
        identifier
    }
}

impl Member {
    fn by_sha256(&self) -> der::Result<asn1::Subject> {
        let mut attributes = self.attributes()?;
        attributes.insert(asn1::Attribute::indirect_data(
            self.kind,
            &self.digests.sha256,
        )?)?;
        asn1::Subject::new(&self.digests.sha256, attributes)
    }

    fn by_sha1(&self) -> der::Result<asn1::Subject> {
        asn1::Subject::new(&self.digests.sha1, self.attributes()?)
    }

    fn attributes(&self) -> der::Result<SetOfVec<asn1::Attribute>> {
        let mut attributes = SetOfVec::new();
        attributes.insert(asn1::Attribute::member_info()?)?;
        attributes.insert(asn1::Attribute::name_value("File", &self.file)?)?;
        // Windows 10 and later, whatever the build.
        attributes.insert(asn1::Attribute::name_value("OSAttr", "2:10.0")?)?;
        Ok(attributes)
    }
}

/// A value as one that may stand anywhere.
fn any(value: &impl der::Encode) -> der::Result<Any> {
    use der::Decode as _;
    Any::from_der(&value.to_der()?)
}
