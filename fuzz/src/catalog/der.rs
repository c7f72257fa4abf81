//! DER by hand: a walk over what there is, and the way back.

/// Tags of X.690 and of this format.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const BMP: u8 = 0x1E;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const CONTEXT_0: u8 = 0xA0;

/// A value: its tag and its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

impl<'a> Value<'a> {
    /// The content, if the value has this tag.
    pub(super) fn of(self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }

    /// The values in it, if it has this tag.
    pub(super) fn parts(self, tag: u8) -> Option<Vec<Value<'a>>> {
        all(self.of(tag)?)
    }
}

/// The values that stand one after the other.
pub(super) fn all(mut bytes: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (value, rest) = first(bytes)?;
        values.push(value);
        bytes = rest;
    }
    Some(values)
}

/// The one value that there is.
pub(super) fn only(bytes: &[u8]) -> Option<Value<'_>> {
    first(bytes).and_then(|(value, rest)| rest.is_empty().then_some(value))
}

fn first(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        let (long, rest) = rest.split_at_checked(usize::from(short & 0x7F))?;
        let mut length = 0_usize;
        for byte in long {
            length = length.checked_mul(256)? | usize::from(*byte);
        }
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Value { tag, content }, rest))
}

/// Writes a value.
pub(super) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    if length < 0x80 {
        bytes.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
        bytes.push(0x80 | digits.len() as u8);
        bytes.extend(digits);
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// Writes a set: its elements in the order of their bytes, each once.
pub(super) fn set(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    elements.dedup();
    let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    value(SET, &elements)
}

/// The content of an object identifier.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    let numbers: Vec<u64> = dotted
        .split('.')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let mut bytes = Vec::new();
    let head = [numbers[0] * 40 + numbers[1]];
    for number in head.iter().chain(&numbers[2..]) {
        let mut groups = vec![(number & 0x7F) as u8];
        let mut rest = number >> 7;
        while rest > 0 {
            groups.push((rest & 0x7F) as u8 | 0x80);
            rest >>= 7;
        }
        bytes.extend(groups.iter().rev());
    }
    bytes
}
