//! What Microsoft's tools made, and what must not be made.

use der::Encode as _;

use super::*;

/// Two members of a catalogue that Microsoft's MakeCat made for the emscripten SDK, of a file of 25 bytes, as the
/// tests of dotnet/arcade keep them (`Microsoft.DotNet.Build.Tasks.FileCatalog.Tests`).
const MAKECAT_FILE: &[u8] = b"require('./').install();\n";
const MAKECAT_SHA1: &str = "302A0414CE38E0912F3260BFB493DCEFA1717239DF3B969231123010060A2B06010401\
    82370C020331028200";
const MAKECAT_SHA256: &str = "30818D0420E07D374C1218641C6F50CD4DA6EB202F3E825BD3658AECB369C434582C\
    C468CD31693010060A2B060104018237\
    0C0203310282003055060A2B060104018237020104314730453010060A2B060104018237020119A20280003031300D06\
    0960864801650304020105000420E07D374C1218641C6F50CD4DA6EB202F3E825BD3658AECB369C434582CC468CD";

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn member(file: &str, kind: Kind, content: &[u8]) -> Member {
    Member {
        file: file.to_owned(),
        kind,
        digests: Digests::of_bytes(content),
    }
}

fn catalog() -> Catalog {
    Catalog {
        systems: "_v100_X64".to_owned(),
        date: "11/26/2026".parse().unwrap(),
        members: vec![
            member("cloneguard.sys", Kind::Image, b"image"),
            member("cloneguard.inf", Kind::Flat, b"inf"),
        ],
    }
}

fn sorted(mut catalog: Catalog) -> Catalog {
    catalog.members.sort_by(|a, b| a.file.cmp(&b.file));
    catalog
}

#[test]
fn members_are_those_of_makecat_to_the_byte() {
    let digests = Digests::of_bytes(MAKECAT_FILE);
    let bare = || {
        let mut attributes = SetOfVec::new();
        attributes
            .insert(asn1::Attribute::member_info().unwrap())
            .unwrap();
        attributes
    };
    let sha1 = asn1::Subject::new(&digests.sha1, bare()).unwrap();
    assert_eq!(hexadecimal(&sha1.to_der().unwrap()), MAKECAT_SHA1);
    let mut attributes = bare();
    let data = asn1::Attribute::indirect_data(Kind::Flat, &digests.sha256).unwrap();
    attributes.insert(data).unwrap();
    let sha256 = asn1::Subject::new(&digests.sha256, attributes).unwrap();
    assert_eq!(hexadecimal(&sha256.to_der().unwrap()), MAKECAT_SHA256);
}

#[test]
fn the_indirect_data_of_an_image_has_flags_and_an_empty_link() {
    let data = asn1::Attribute::indirect_data(Kind::Image, &[0; 32]).unwrap();
    // The bit string of Inf2Cat, then [0] { [2] { [0] "" } }.
    let expected = "3018060A2B06010401823702010F300A030205A0A004A2028000";
    let bytes = hexadecimal(&data.to_der().unwrap());
    assert!(bytes.contains(expected), "{bytes}");
}

#[test]
fn what_is_written_is_read() {
    let bytes = catalog().to_bytes().unwrap();
    assert_eq!(sorted(Catalog::read(&bytes).unwrap()), sorted(catalog()));
    assert_eq!(catalog().to_bytes().unwrap(), bytes);
}

#[test]
fn the_list_is_sorted_by_digest() {
    let list = catalog().list().unwrap();
    assert_eq!(list.subjects.len(), 4);
    assert!(
        list.subjects
            .is_sorted_by(|a, b| a.identifier.as_bytes() < b.identifier.as_bytes())
    );
}

#[test]
fn the_order_of_the_files_makes_no_other_catalogue() {
    let mut alike = catalog();
    alike.members.push(member("copy.inf", Kind::Flat, b"inf"));
    for mut catalog in [catalog(), alike] {
        let bytes = catalog.to_bytes().unwrap();
        catalog.members.reverse();
        assert_eq!(catalog.to_bytes().unwrap(), bytes);
    }
}

#[test]
fn a_catalogue_that_nobody_has_signed_is_told_apart() {
    let bytes = catalog().to_bytes().unwrap();
    let said = Catalog::refuse_changed(&bytes).unwrap_err().to_string();
    assert_eq!(said, "nobody has signed it");
}

#[test]
fn what_is_signed_is_a_list() {
    let mut bytes = catalog().to_bytes().unwrap();
    let list = asn1::TRUST_LIST.to_der().unwrap();
    let at = bytes.windows(list.len()).position(|window| window == list);
    bytes[at.unwrap() + list.len() - 1] ^= 1;
    let said = Catalog::refuse_changed(&bytes).unwrap_err().to_string();
    assert_eq!(said, "what is signed in it is no trust list");
}

#[test]
fn other_content_is_another_list() {
    let identifier = |change: fn(&mut Catalog)| {
        let mut catalog = catalog();
        change(&mut catalog);
        catalog.identifier()
    };
    let same = identifier(|_| ());
    assert_eq!(same.len(), asn1::LIST_IDENTIFIER_BYTES);
    assert_ne!(same, identifier(|catalog| catalog.systems.push('X')));
    assert_ne!(
        same,
        identifier(|catalog| catalog.members[1].digests.sha256[31] ^= 1)
    );
}

#[test]
fn a_file_is_in_it_once() {
    let mut twice = catalog();
    twice.members[1].file = "CLONEGUARD.sys".to_owned();
    let error = twice.to_bytes().unwrap_err().to_string();
    assert_eq!(error, "CLONEGUARD.sys would be in the catalogue twice");
}

/// What reading says to a list that was made from a good one.
fn complaint(change: impl FnOnce(&mut asn1::TrustList)) -> String {
    let mut list = catalog().list().unwrap();
    change(&mut list);
    let bytes = asn1::envelope(&list).unwrap();
    Catalog::read(&bytes).unwrap_err().to_string()
}

#[test]
fn damage_is_told() {
    let bytes = catalog().to_bytes().unwrap();
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(Catalog::read(&bytes[..cut]).is_err(), "{cut}");
    }
    let said = complaint(|list| list.usage[0] = asn1::NAME_VALUE);
    assert_eq!(said, "its list is none of a catalogue");
    let said = complaint(|list| list.algorithm.oid = asn1::CATALOG_LIST);
    assert_eq!(said, "its list is of another version than the second");
    let said = complaint(|list| list.extensions = None);
    assert_eq!(said, "it names no operating system");
    let said = complaint(|list| {
        list.subjects
            .retain(|subject| subject.identifier.as_bytes().len() == 32);
    });
    assert!(said.ends_with("is in it by SHA-1 0 times"), "{said}");
    let said = complaint(|list| {
        for subject in &mut list.subjects {
            subject.identifier = OctetString::new([0; 32]).unwrap();
        }
    });
    assert!(
        said.ends_with("under a digest that is not its own"),
        "{said}"
    );
}

/// What reading says once a line of a good list has more attributes.
fn complaint_of_attributes(more: fn() -> asn1::Attribute) -> String {
    complaint(|list| list.subjects[0].attributes.insert(more()).unwrap())
}

#[test]
fn a_file_that_is_in_it_by_sha_1_alone_is_one_too_many() {
    let said = complaint(|list| {
        let other = member("other.sys", Kind::Image, b"other");
        list.subjects.push(other.by_sha1().unwrap());
    });
    assert_eq!(said, "other.sys is in it by SHA-1 alone");
}

#[test]
fn a_file_that_is_in_it_twice_is_told() {
    let said = complaint(|list| {
        let other = member("cloneguard.sys", Kind::Image, b"other");
        list.subjects.push(other.by_sha256().unwrap());
    });
    assert_eq!(said, "cloneguard.sys is in it twice");
    let said = complaint(|list| {
        let other = member("CloneGuard.sys", Kind::Image, b"other");
        list.subjects.push(other.by_sha256().unwrap());
        list.subjects.push(other.by_sha1().unwrap());
    });
    assert_eq!(said, "CloneGuard.sys is in it twice");
}

#[test]
fn what_is_said_twice_is_not_believed_once() {
    let said = complaint_of_attributes(|| asn1::Attribute::name_value("File", "other").unwrap());
    assert_eq!(said, "a member of it has two names");
    let said = complaint(|list| {
        for subject in &mut list.subjects {
            for kind in [Kind::Flat, Kind::Image] {
                let data = asn1::Attribute::indirect_data(kind, &[0; 32]).unwrap();
                subject.attributes.insert(data).unwrap();
            }
        }
    });
    assert!(said.ends_with("is in it with two digests"), "{said}");
    let said = complaint_of_attributes(|| {
        let mut info = asn1::Attribute::name_value("Other", "text").unwrap();
        info.values.insert(any(&der::asn1::Null).unwrap()).unwrap();
        info
    });
    assert_eq!(said, "an attribute has not one value");
    let said = complaint(|list| {
        let again = asn1::Extension::name_value("OS", "_v100_ARM64").unwrap();
        list.extensions.get_or_insert_default().push(again);
    });
    assert_eq!(said, "it names its operating systems twice");
}

#[test]
fn a_catalogue_has_a_longest() {
    let mut bytes = catalog().to_bytes().unwrap();
    bytes.resize((64 << 10) + 1, 0);
    let said = Catalog::read(&bytes).unwrap_err().to_string();
    assert_eq!(said, "it is longer than 64 KiB");
}
