//! Catalogues and digests through `driver-package`.
//!
//! Input: how the rest is meant, then the bytes of a file; choices of which a message is made line by line
//! ([`message`]); the content of a catalogue that is written, read and changed; or edits of an image ([`image`]).
//! The referee is a walk by hand over the same bytes.

mod der;
mod image;
mod message;

use std::collections::BTreeSet;

use driver_package::catalog::{Catalog, Member};
use driver_package::digest::{Digests, Kind};

use crate::take;
use message::{Line, Message};

/// Valid from a midnight, not from one, and no day at all.
const TIMES: [&str; 4] = [
    "261126000000Z",
    "991231000000Z",
    "261126000001Z",
    "260230000000Z",
];
const NAMES: [&str; 6] = ["a.sys", "b.inf", "A.SYS", "", "\u{E4}", "a.sys\0"];

/// Reads, writes, changes.
///
/// # Panics
/// If something is believed that the bytes do not say, or a change is not seen.
pub fn body(mut bytes: &[u8]) {
    let [choice] = take(&mut bytes);
    match choice % 4 {
        0 => {
            read(bytes);
        }
        1 => {
            let message = made(bytes);
            let file = message.write(sha256);
            let again = Message::read(&file).expect("it was written here");
            assert_eq!(read(&file), sound(&again).is_some(), "{message:#?}");
        }
        2 => written(bytes),
        _ => image::body(bytes),
    }
}

/// Inputs to begin with: the catalogue of a package with the shipped INF file, and one that somebody has signed.
///
/// # Panics
/// If they cannot be written.
#[must_use]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let member = |file: &str, kind, digests| Member {
        file: file.to_owned(),
        kind,
        digests,
    };
    let image = Digests::of_image(&image::sound()).expect("a sound image");
    let inf = Digests::of_bytes(crate::inf::shipped("amd64").as_bytes());
    let catalog = Catalog {
        systems: "_v100_X64".to_owned(),
        date: "11/26/2026".parse().expect("a date"),
        members: vec![
            member("cloneguard.sys", Kind::Image, image),
            member("cloneguard.inf", Kind::Flat, inf),
        ],
    };
    let unsigned = catalog.to_bytes().expect("two files");
    let signed = made(&[0, 0, 5, 0, 0, 1, 0]).write(sha256);
    let raw = |bytes: Vec<u8>| [vec![0], bytes].concat();
    vec![
        ("package", raw(unsigned)),
        ("package-signed", raw(signed)),
        (
            "lines-alike",
            vec![1, 0, 0, 0x13, 5, 0, 0, 1, 0, 1, 2, 16, 1],
        ),
        ("line-too-much", vec![1, 0, 0, 0, 0, 0, 1, 0, 1, 2, 2]),
        (
            "written",
            [&[2, 0, 11, 26, 86, 77], &b"systems a.sys b.inf"[..]].concat(),
        ),
        ("image", vec![3, 0]),
        ("image-signed", vec![3, 0x22]),
        ("image-raw", [vec![3, 1], image::sound()].concat()),
    ]
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Digests::of_bytes(bytes).sha256.to_vec()
}

/// Reads a file and compares what is said of it. Says whether it is a catalogue.
fn read(file: &[u8]) -> bool {
    let plain = Message::read(file);
    if Catalog::refuse_changed(file).is_ok() {
        let (list, signers) = Message::signed(file).expect("a message");
        let own = [sha256(list.content)];
        assert!(
            !signers.is_empty() && signers.iter().all(|told| *told == own),
            "{signers:?}, not {own:?}"
        );
    }
    let Ok(catalog) = Catalog::read(file) else {
        return false;
    };
    let plain = plain.expect("a message");
    let members = sound(&plain).unwrap_or_else(|| panic!("{catalog:#?} of {plain:#?}"));
    assert_eq!(sorted(&catalog.members), sorted(&members));
    assert_eq!(plain.systems, [catalog.systems.as_str()]);
    let bytes = catalog.to_bytes().expect("it was read");
    let again = Catalog::read(&bytes).expect("just written");
    assert_eq!(sorted(&again.members), sorted(&members));
    assert_eq!(
        (&again.systems, again.date),
        (&catalog.systems, catalog.date)
    );
    assert_eq!(again.to_bytes().as_ref(), Ok(&bytes));
    assert!(
        Catalog::refuse_changed(&bytes).is_err(),
        "nobody has signed it"
    );
    true
}

fn sorted(members: &[Member]) -> Vec<Member> {
    let mut sorted = members.to_vec();
    sorted.sort_by(|a, b| a.file.cmp(&b.file));
    sorted
}

/// The members of a message in which nothing is left over or said twice.
fn sound(message: &Message) -> Option<Vec<Member>> {
    let [_] = message.systems.as_slice() else {
        return None;
    };
    // The year decides nothing here: whoever wrote the message took one of these.
    let is_day = message.time.ends_with("000000Z") && message.time != TIMES[3];
    is_day.then_some(())?;
    let mut members: Vec<Member> = Vec::new();
    let mut rest: Vec<&Line> = message.lines.iter().collect();
    while let Some(place) = rest.iter().position(|line| !line.indirect.is_empty()) {
        let line = rest.remove(place);
        let ([file], [(is_image, digest)]) = (line.files.as_slice(), line.indirect.as_slice())
        else {
            return None;
        };
        let of_file = |other: &&Line| other.indirect.is_empty() && other.files == [file.as_str()];
        let other = rest.remove(rest.iter().position(of_file)?);
        let is_known = |known: &Member| known.file.eq_ignore_ascii_case(file);
        if *digest != line.identifier || members.iter().any(is_known) {
            return None;
        }
        members.push(Member {
            file: file.clone(),
            kind: if *is_image { Kind::Image } else { Kind::Flat },
            digests: Digests {
                sha256: digest.as_slice().try_into().ok()?,
                sha1: other.identifier.as_slice().try_into().ok()?,
            },
        });
    }
    rest.is_empty().then_some(members)
}

/// A message, line by line. The first choice of everything is what a catalogue has.
fn made(mut bytes: &[u8]) -> Message {
    let [time, systems, signers, told] = take(&mut bytes);
    let mut message = Message {
        time: TIMES[usize::from(time) % TIMES.len()].to_owned(),
        systems: vec![
            "_v100_X64".to_owned();
            if systems == 0 {
                1
            } else {
                usize::from(systems % 3)
            }
        ],
        // An empty one becomes the right digest.
        signers: vec![
            vec![vec![told; usize::from(told % 3)]; usize::from(signers >> 2 & 3)];
            usize::from(signers & 3)
        ],
        ..Message::default()
    };
    // Other systems are another extension; twice the same too.
    for _ in 0..8 {
        if bytes.is_empty() {
            break;
        }
        let [name, content, faults] = take(&mut bytes);
        message.lines.extend(lines(name, content, faults));
    }
    message
}

/// The two lines of a file, if nothing is wrong with them.
fn lines(name: u8, content: u8, faults: u8) -> Vec<Line> {
    let digests = Digests::of_bytes(&[content]);
    let file = NAMES[usize::from(name) % NAMES.len()].to_owned();
    let mut strong = Line {
        identifier: digests.sha256.to_vec(),
        files: vec![file.clone()],
        indirect: vec![(content & 1 == 1, digests.sha256.to_vec())],
    };
    let mut weak = Line {
        identifier: digests.sha1.to_vec(),
        files: vec![file],
        indirect: Vec::new(),
    };
    match faults % 16 {
        1 => return vec![strong],
        2 => return vec![weak],
        3 => return vec![strong, weak.clone(), weak],
        4 => strong.files.push("c.sys".to_owned()),
        5 => weak.files.push("c.sys".to_owned()),
        6 => strong.files.clear(),
        7 => strong.indirect.push((content & 1 == 1, vec![1; 32])),
        8 => strong.identifier[usize::from(faults >> 4)] ^= 1,
        9 => strong.indirect[0].1[usize::from(faults >> 4)] ^= 1,
        10 => weak.identifier.push(1),
        11 => weak.identifier.truncate(usize::from(faults >> 4)),
        12 => {
            strong.identifier.pop();
            strong.indirect[0].1.pop();
        }
        _ => {}
    }
    if faults & 0x10 == 0 {
        vec![strong, weak]
    } else {
        vec![weak, strong]
    }
}

/// Writes a catalogue of any content, reads it, changes it.
fn written(mut bytes: &[u8]) {
    let [place] = take(&mut bytes);
    let Some((catalog, year)) = content(bytes) else {
        return;
    };
    let names = catalog.members.iter();
    let names: BTreeSet<_> = names
        .map(|member| member.file.to_ascii_lowercase())
        .collect();
    let can_be = names.len() == catalog.members.len() && (1950..2050).contains(&year);
    let file = catalog.to_bytes();
    assert_eq!(file.is_ok(), can_be, "{catalog:#?}");
    let Ok(file) = file else {
        return;
    };
    assert!(read(&file));
    let back = Catalog::read(&file).expect("just written");
    assert_eq!(sorted(&back.members), sorted(&catalog.members));
    assert_eq!((&back.systems, back.date), (&catalog.systems, catalog.date));
    let place = usize::from(place);
    if let Some(member) = catalog.members.get(place % catalog.members.len().max(1)) {
        changed(&catalog, &file, &member.digests.sha256, place);
        changed(&catalog, &file, &member.digests.sha1, place);
    }
}

/// A catalogue and the year of its day, of which the encoding does not know all.
fn content(mut bytes: &[u8]) -> Option<(Catalog, u16)> {
    let [month, day, year, length] = take(&mut bytes);
    let year = 1940 + u16::from(year) % 120;
    let date = format!("{:02}/{:02}/{year}", month % 14, day % 33);
    let date = date.parse().ok()?;
    let mut text = |length: u8| {
        let (text, rest) = bytes.split_at(usize::from(length % 8).min(bytes.len()));
        bytes = rest;
        String::from_utf8_lossy(text).into_owned()
    };
    let systems = text(length);
    let members = (0..length >> 5).map(|number| Member {
        file: text(number.wrapping_add(length)),
        kind: if number & 1 == 0 {
            Kind::Image
        } else {
            Kind::Flat
        },
        digests: Digests::of_bytes(&[number, day]),
    });
    let members = members.collect();
    let catalog = Catalog {
        systems,
        date,
        members,
    };
    Some((catalog, year))
}

/// A digest that is another at one place of the file, or at all of them, is no longer that member's.
fn changed(catalog: &Catalog, file: &[u8], digest: &[u8], byte: usize) {
    let at = |place: &usize| file[*place..].starts_with(digest);
    let places: Vec<_> = (0..file.len()).filter(at).collect();
    assert!(!places.is_empty());
    for chosen in places
        .iter()
        .map(std::slice::from_ref)
        .chain([places.as_slice()])
    {
        let mut other = file.to_vec();
        for place in chosen {
            other[place + byte % digest.len()] ^= 1;
        }
        let told = Catalog::read(&other);
        let is_seen = told.is_ok_and(|told| sorted(&told.members) == sorted(&catalog.members));
        assert!(!is_seen, "{chosen:?} of {catalog:#?}");
    }
}
