//! What travels on the socket of `testbed serve`.
//!
//! Both directions carry frames: a head of 24 bytes, little-endian, then as many bytes as it says.
//!
//! | offset | field | |
//! |---|---|---|
//! | 0 | magic | `CGSK` |
//! | 4 | version | 1 |
//! | 6 | kind | see [`Kind`] |
//! | 8 | size | bytes of the body |
//! | 12 | value | an NTSTATUS, or the room for a reply |
//! | 16 | id | of a message; 0 in frames about none |
//!
//! One connection of the socket is one program at the port, that is one call of
//! `FilterConnectCommunicationPort`. The client speaks first, with its connect context, and gets the
//! status. Then messages come and replies go; each reply is answered with the status that
//! `FilterReplyMessage` had. Closing the socket is the end of the program. The server closes it when the
//! port is closed, and at once on a frame that it does not understand.
//!
//! Each kind has a largest body, and a frame above it is an error before anything is read of it.

use std::io::{self, Read, Write};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros as _, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `CGSK` as bytes in memory.
const MAGIC: u32 = u32::from_le_bytes(*b"CGSK");
/// Of this page.
const VERSION: u16 = 1;
/// `wSizeOfContext` of `FilterConnectCommunicationPort` has 16 bits.
const CONTEXT_MAX: u32 = 0xFFFF;
/// Twice the largest batch.
const MESSAGE_MAX: u32 = 128 * 1024;
/// Far more than an acknowledgement, so that a wrong one reaches the driver.
const REPLY_MAX: u32 = 4096;

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Head {
    magic: U32,
    version: U16,
    kind: U16,
    size: U32,
    value: U32,
    id: U64,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From the client, once and first. The body is the connect context.
    Connect,
    /// The answer: the value is the status of the connection.
    Connected,
    /// From the server: a message of the driver. The value is `FILTER_MESSAGE_HEADER.ReplyLength`.
    Message,
    /// From the client: the reply to a message. The value is `FILTER_REPLY_HEADER.Status`.
    Reply,
    /// The answer: the value is the status of the reply with this id.
    Replied,
}

/// Every kind with its number and its largest body.
const KINDS: [(Kind, u16, u32); 5] = [
    (Kind::Connect, 1, CONTEXT_MAX),
    (Kind::Connected, 2, 0),
    (Kind::Message, 3, MESSAGE_MAX),
    (Kind::Reply, 4, REPLY_MAX),
    (Kind::Replied, 5, 0),
];

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// A status, or the room for a reply.
    pub value: u32,
    /// Of a message; 0 in frames about none.
    pub id: u64,
    /// What follows the head.
    pub body: Vec<u8>,
}

impl Frame {
    /// A frame about no message.
    #[must_use]
    pub const fn new(kind: Kind, value: u32, body: Vec<u8>) -> Self {
        Self {
            kind,
            value,
            id: 0,
            body,
        }
    }

    /// A frame about a message.
    #[must_use]
    pub const fn about(kind: Kind, id: u64, value: u32, body: Vec<u8>) -> Self {
        Self {
            kind,
            value,
            id,
            body,
        }
    }

    /// Writes the frame in one piece.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a body that is too large, or what the socket says.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (kind, limit) = number(self.kind);
        let size = u32::try_from(self.body.len()).ok();
        let size = size.filter(|size| *size <= limit).ok_or_else(|| {
            let what = format!("a body of {} bytes is too large", self.body.len());
            io::Error::new(io::ErrorKind::InvalidInput, what)
        })?;
        let head = Head {
            magic: U32::new(MAGIC),
            version: U16::new(VERSION),
            kind: U16::new(kind),
            size: U32::new(size),
            value: U32::new(self.value),
            id: U64::new(self.id),
        };
        out.write_all(&[head.as_bytes(), &self.body].concat())
    }

    /// Reads a frame; `None` where the other side has ended between two frames.
    ///
    /// # Errors
    ///
    /// `InvalidData` for what is no frame, `UnexpectedEof` for half a one, or what the socket says.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = Head::new_zeroed();
        let bytes = head.as_mut_bytes();
        let Some((first, rest)) = bytes.split_first_mut() else {
            return Ok(None);
        };
        if !read_first(from, first)? {
            return Ok(None);
        }
        from.read_exact(rest)?;
        let kind = check(&head)?;
        let size = u64::from(head.size.get());
        // Memory grows with what comes, not with what was promised.
        let mut body = Vec::new();
        from.take(size).read_to_end(&mut body)?;
        if body.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(Self {
            kind,
            value: head.value.get(),
            id: head.id.get(),
            body,
        }))
    }
}

/// Reads the byte by which a frame is told from the end.
fn read_first(from: &mut impl Read, first: &mut u8) -> io::Result<bool> {
    loop {
        match from.read(std::slice::from_mut(first)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(|count| count == 1),
        }
    }
}

fn check(head: &Head) -> io::Result<Kind> {
    let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    if head.magic != MAGIC {
        return wrong(format!("{:#010x} is no frame", head.magic.get()));
    }
    if head.version != VERSION {
        return wrong(format!("version {} of the socket", head.version.get()));
    }
    let mut kinds = KINDS.iter();
    let Some((kind, _, limit)) = kinds.find(|(_, number, _)| head.kind == *number) else {
        return wrong(format!("frame of kind {}", head.kind.get()));
    };
    if head.size.get() > *limit {
        return wrong(format!("{kind:?} with {} bytes", head.size.get()));
    }
    Ok(*kind)
}

/// The number of a kind, and its largest body.
fn number(kind: Kind) -> (u16, u32) {
    let mut kinds = KINDS.iter();
    let found = kinds.find(|(other, ..)| *other == kind);
    found.map_or((0, 0), |(_, number, limit)| (*number, *limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(frame: &Frame) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame.write(&mut bytes).unwrap();
        bytes
    }

    fn reply() -> Frame {
        Frame::about(Kind::Reply, 7, 0xC000_0001, vec![1, 2, 3])
    }

    /// What reading these bytes says.
    fn error(bytes: &[u8]) -> io::ErrorKind {
        Frame::read(&mut &bytes[..]).unwrap_err().kind()
    }

    #[test]
    fn the_bytes_of_a_frame() {
        let mut expected = b"CGSK\x01\0\x04\0\x03\0\0\0\x01\0\0\xC0".to_vec();
        expected.extend([7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        assert_eq!(bytes(&reply()), expected);
    }

    #[test]
    fn every_kind_comes_back_with_its_largest_body() {
        for (kind, _, limit) in KINDS {
            for size in [0, limit] {
                let frame = Frame::about(kind, u64::MAX, 9, vec![5; size as usize]);
                let read = Frame::read(&mut &bytes(&frame)[..]).unwrap();
                assert_eq!(read, Some(frame));
            }
            let large = Frame::new(kind, 0, vec![0; limit as usize + 1]);
            let refused = large.write(&mut Vec::new()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn the_end_is_told_from_half_a_frame() {
        let whole = bytes(&reply());
        assert_eq!(Frame::read(&mut &whole[..0]).unwrap(), None);
        for end in 1..whole.len() {
            assert_eq!(error(&whole[..end]), io::ErrorKind::UnexpectedEof, "{end}");
        }
    }

    #[test]
    fn a_wrong_head_is_refused_before_its_body() {
        for (place, value) in [
            (0, b'X'),
            (4, 2),
            (6, 0),
            (6, 6),
            (7, 1),
            (9, 0x11),
            (11, 0xFF),
        ] {
            let mut wrong = bytes(&reply())[..size_of::<Head>()].to_vec();
            wrong[place] = value;
            assert_eq!(error(&wrong), io::ErrorKind::InvalidData, "byte {place}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _either = Frame::read(&mut &bytes[..]);
        }
    }
}
