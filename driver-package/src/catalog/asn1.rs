//! The structures of a catalogue, with the object identifiers that wintrust.h and mscat.h give them.
//!
//! A certificate trust list is described in [MS-CAESO] and in the pages of `CTL_INFO`; the indirect data in
//! Microsoft's paper "Windows Authenticode Portable Executable Signature Format".

use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignedData, SignerInfos};
use der::asn1::{
    Any, BitString, BmpString, ContextSpecific, Null, ObjectIdentifier, OctetString, SetOfVec,
    UtcTime,
};
use der::{Encode as _, Sequence, TagMode, TagNumber, ValueOrd};

use super::any;
use crate::digest::Kind;

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

/// PKCS #7, `signedData`.
pub(super) const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
/// PKCS #9, `messageDigest`.
pub(super) const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
/// `szOID_CTL`
pub(super) const TRUST_LIST: ObjectIdentifier = oid("1.3.6.1.4.1.311.10.1");
/// `szOID_CATALOG_LIST`
pub(super) const CATALOG_LIST: ObjectIdentifier = oid("1.3.6.1.4.1.311.12.1.1");
/// `szOID_CATALOG_LIST_MEMBER_V2`: members are found by the digest itself, not by its digits.
pub(super) const CATALOG_LIST_MEMBER_V2: ObjectIdentifier = oid("1.3.6.1.4.1.311.12.1.3");
/// `CAT_NAMEVALUE_OBJID`
pub(super) const NAME_VALUE: ObjectIdentifier = oid("1.3.6.1.4.1.311.12.2.1");
/// `CAT_MEMBERINFO2_OBJID`
pub(super) const MEMBER_INFO_2: ObjectIdentifier = oid("1.3.6.1.4.1.311.12.2.3");
/// `SPC_INDIRECT_DATA_OBJID`
pub(super) const INDIRECT_DATA: ObjectIdentifier = oid("1.3.6.1.4.1.311.2.1.4");
/// `SPC_PE_IMAGE_DATA_OBJID`
pub(super) const PE_IMAGE_DATA: ObjectIdentifier = oid("1.3.6.1.4.1.311.2.1.15");
/// `SPC_CAB_DATA_OBJID`, which also stands for any file that is digested as it is.
pub(super) const FLAT_DATA: ObjectIdentifier = oid("1.3.6.1.4.1.311.2.1.25");
/// `id-sha256`
pub(super) const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");

/// The length of what tells lists apart: a GUID's.
pub(super) const LIST_IDENTIFIER_BYTES: usize = 16;
/// `CRYPTCAT_ATTR_AUTHENTICATED`, `CRYPTCAT_ATTR_DATAASCII`, `CRYPTCAT_ATTR_NAMEASCII` (mscat.h).
const TEXT: u32 = 0x1001_0001;

/// An algorithm and its parameters.
type Algorithm = AlgorithmIdentifierOwned;

/// An algorithm with the NULL that stands for no parameters.
pub(super) fn algorithm(oid: ObjectIdentifier) -> der::Result<Algorithm> {
    Ok(Algorithm {
        oid,
        parameters: Some(any(&Null)?),
    })
}

/// `CertificateTrustList`, with the parts that catalogues have.
#[derive(Debug, Sequence)]
pub(super) struct TrustList {
    pub(super) usage: Vec<ObjectIdentifier>,
    pub(super) identifier: OctetString,
    pub(super) this_update: UtcTime,
    pub(super) algorithm: Algorithm,
    pub(super) subjects: Vec<Subject>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) extensions: Option<Vec<Extension>>,
}

/// `TrustedSubject`: a digest and what is said of the file that has it.
#[derive(Debug, Sequence)]
pub(super) struct Subject {
    pub(super) identifier: OctetString,
    pub(super) attributes: SetOfVec<Attribute>,
}

impl Subject {
    pub(super) fn new(digest: &[u8], attributes: SetOfVec<Attribute>) -> der::Result<Self> {
        Ok(Self {
            identifier: OctetString::new(digest)?,
            attributes,
        })
    }
}

/// An attribute of a member. Each has one value.
#[derive(Debug, Clone, PartialEq, Eq, Sequence, ValueOrd)]
pub(super) struct Attribute {
    pub(super) oid: ObjectIdentifier,
    pub(super) values: SetOfVec<Any>,
}

impl Attribute {
    fn new(oid: ObjectIdentifier, value: Any) -> der::Result<Self> {
        let mut values = SetOfVec::new();
        values.insert(value)?;
        Ok(Self { oid, values })
    }

    /// `CAT_MEMBERINFO2` of a member of the second version: the GUID and the version that the first one
    /// spelt out are left out, and an empty choice stands for them.
    pub(super) fn member_info() -> der::Result<Self> {
        Self::new(
            MEMBER_INFO_2,
            any(&implicit(2, OctetString::new(Vec::new())?))?,
        )
    }

    pub(super) fn name_value(name: &str, value: &str) -> der::Result<Self> {
        Self::new(NAME_VALUE, any(&NameValue::new(name, value)?)?)
    }

    pub(super) fn indirect_data(kind: Kind, sha256: &[u8]) -> der::Result<Self> {
        let data = IndirectData {
            data: DataType::new(kind)?,
            digest: DigestInfo {
                algorithm: algorithm(SHA256)?,
                digest: OctetString::new(sha256)?,
            },
        };
        Self::new(INDIRECT_DATA, any(&data)?)
    }
}

/// `CAT_NAMEVALUE`
#[derive(Debug, Sequence)]
pub(super) struct NameValue {
    pub(super) name: BmpString,
    flags: u32,
    /// UTF-16, least byte first, with a terminator.
    value: OctetString,
}

impl NameValue {
    fn new(name: &str, value: &str) -> der::Result<Self> {
        let value = value.encode_utf16().chain([0]);
        let value: Vec<u8> = value.flat_map(u16::to_le_bytes).collect();
        Ok(Self {
            name: BmpString::from_utf8(name)?,
            flags: TEXT,
            value: OctetString::new(value)?,
        })
    }

    /// The value without its terminator, if it is text.
    pub(super) fn text(&self) -> Option<String> {
        let (units, []) = self.value.as_bytes().as_chunks() else {
            return None;
        };
        let units: Vec<_> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let (0, text) = units.split_last()? else {
            return None;
        };
        String::from_utf16(text).ok()
    }
}

/// What is said of the whole catalogue.
#[derive(Debug, Sequence)]
pub(super) struct Extension {
    pub(super) oid: ObjectIdentifier,
    pub(super) value: OctetString,
}

impl Extension {
    pub(super) fn name_value(name: &str, value: &str) -> der::Result<Self> {
        Ok(Self {
            oid: NAME_VALUE,
            value: OctetString::new(NameValue::new(name, value)?.to_der()?)?,
        })
    }
}

/// `SpcIndirectDataContent`
#[derive(Debug, Sequence)]
pub(super) struct IndirectData {
    pub(super) data: DataType,
    pub(super) digest: DigestInfo,
}

/// `SpcAttributeTypeAndOptionalValue`
#[derive(Debug, Sequence)]
pub(super) struct DataType {
    pub(super) oid: ObjectIdentifier,
    value: Any,
}

impl DataType {
    fn new(kind: Kind) -> der::Result<Self> {
        // SpcLink, its third choice: a file, of the name "".
        let nowhere = explicit(2, implicit(0, OctetString::new(Vec::new())?));
        Ok(match kind {
            Kind::Image => Self {
                oid: PE_IMAGE_DATA,
                value: any(&ImageData {
                    // Include resources, and import addresses; the last five bits are none.
                    flags: BitString::new(5, [0xA0])?,
                    file: any(&explicit(0, nowhere))?,
                })?,
            },
            Kind::Flat => Self {
                oid: FLAT_DATA,
                value: any(&nowhere)?,
            },
        })
    }
}

/// `SpcPeImageData`
#[derive(Debug, Sequence)]
struct ImageData {
    flags: BitString,
    file: Any,
}

/// `DigestInfo` of PKCS #7.
#[derive(Debug, Sequence)]
pub(super) struct DigestInfo {
    pub(super) algorithm: Algorithm,
    pub(super) digest: OctetString,
}

fn explicit<T>(number: u8, value: T) -> ContextSpecific<T> {
    ContextSpecific {
        tag_number: TagNumber::new(number),
        tag_mode: TagMode::Explicit,
        value,
    }
}

fn implicit<T>(number: u8, value: T) -> ContextSpecific<T> {
    ContextSpecific {
        tag_mode: TagMode::Implicit,
        ..explicit(number, value)
    }
}

/// A list in the envelope, before anybody has signed it.
pub(super) fn envelope(list: &TrustList) -> der::Result<Vec<u8>> {
    let signed = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::new(),
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: TRUST_LIST,
            econtent: Some(any(list)?),
        },
        certificates: None,
        crls: None,
        signer_infos: SignerInfos(SetOfVec::new()),
    };
    let content = ContentInfo {
        content_type: SIGNED_DATA,
        content: any(&signed)?,
    };
    content.to_der()
}
