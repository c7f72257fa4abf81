//! Structures of Windows as bytes, as far as owners of files need them.

/// Bytes of a pointer in a structure of this program.
const POINTER: usize = size_of::<usize>();

/// FILE_BASIC_INFORMATION that sets attributes and leaves the times alone (MS-FSCC 2.4.7).
pub(crate) fn basic(attributes: u32) -> Vec<u8> {
    let mut bytes = vec![0; 32];
    bytes.extend(attributes.to_le_bytes());
    bytes.extend([0; 4]);
    bytes
}

/// FILE_LINK_INFORMATION (ntifs.h): nothing is replaced, no root directory, the full name.
pub(crate) fn link(name: &str) -> Vec<u8> {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    // ReplaceIfExists, padding up to a pointer, RootDirectory.
    let mut bytes = vec![0; 2 * POINTER];
    bytes.extend(u32::try_from(units.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(units);
    bytes
}

/// End of file and allocation size of FILE_STANDARD_INFORMATION (MS-FSCC 2.4.47).
pub(crate) fn sizes(bytes: &[u8]) -> Option<(u64, u64)> {
    Some((u64_at(bytes, 8)?, u64_at(bytes, 0)?))
}

/// The name in FILE_FS_ATTRIBUTE_INFORMATION, and the attributes (MS-FSCC 2.5.1).
pub(crate) fn file_system(bytes: &[u8]) -> Option<(String, u32)> {
    let length = usize::try_from(u32_at(bytes, 8)?).ok()?;
    let name = bytes.get(12..12 + length)?;
    let units: Vec<u16> = name
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Some((String::from_utf16_lossy(&units), u32_at(bytes, 0)?))
}

/// Bytes per cluster of FILE_FS_SIZE_INFORMATION (MS-FSCC 2.5.8).
pub(crate) fn cluster(bytes: &[u8]) -> Option<u32> {
    u32_at(bytes, 16)?.checked_mul(u32_at(bytes, 20)?)
}

/// FILE_FS_PERSISTENT_VOLUME_INFORMATION that asks for these flags: none yet, the mask, version 1, reserved (WDK).
pub(crate) fn state_query(mask: u32) -> Vec<u8> {
    [0, mask, 1, 0].map(u32::to_le_bytes).concat()
}

/// The flags in FILE_FS_PERSISTENT_VOLUME_INFORMATION.
pub(crate) fn state(bytes: &[u8]) -> Option<u32> {
    u32_at(bytes, 0)
}

/// The reference counts of RETRIEVAL_POINTERS_AND_REFCOUNT_BUFFER (winioctl.h): of each extent that has clusters.
pub(crate) fn references(bytes: &[u8]) -> Option<Vec<u32>> {
    const FIRST: usize = 16;
    const EXTENT: usize = 24;
    let count = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let mut references = Vec::new();
    for index in 0..count {
        let at = FIRST + index * EXTENT;
        // A hole has the cluster -1.
        if u64_at(bytes, at + 8)? != u64::MAX {
            references.push(u32_at(bytes, at + 16)?);
        }
    }
    Some(references)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{basic, cluster, file_system, link, references, sizes};

    #[test]
    fn what_is_sent_has_its_fields_where_they_belong() {
        assert_eq!(basic(1).len(), 40);
        assert_eq!(basic(1)[32..36], [1, 0, 0, 0]);
        assert!(
            basic(0)[..32].iter().all(|byte| *byte == 0),
            "the times stay"
        );
        let link = link("ab");
        let name = 2 * size_of::<usize>();
        assert_eq!(link[name..], [4, 0, 0, 0, b'a', 0, b'b', 0]);
    }

    #[test]
    fn what_comes_back_is_read_where_it_lies() {
        let standard = [4096_u64.to_le_bytes(), 10_u64.to_le_bytes(), [0; 8]].concat();
        assert_eq!(sizes(&standard), Some((10, 4096)));
        let attribute = [
            &[1, 0, 0, 8][..],
            &[0xFF; 4],
            &[8, 0, 0, 0],
            b"R\0e\0F\0S\0",
        ]
        .concat();
        assert_eq!(
            file_system(&attribute),
            Some(("ReFS".to_owned(), 0x0800_0001))
        );
        let size = [&[0; 16][..], &[8, 0, 0, 0], &[0, 2, 0, 0]].concat();
        assert_eq!(cluster(&size), Some(4096));
        for length in 0..12 {
            assert_eq!(file_system(&attribute[..length]), None, "{length}");
        }
    }

    #[test]
    fn holes_have_no_reference_count() {
        let extent = |next: u64, first: u64, count: u32| {
            [
                &next.to_le_bytes()[..],
                &first.to_le_bytes(),
                &count.to_le_bytes(),
                &[0; 4],
            ]
            .concat()
        };
        let header = [&3_u32.to_le_bytes()[..], &[0; 12]].concat();
        let extents = [extent(4, 100, 2), extent(6, u64::MAX, 0), extent(8, 104, 1)];
        let bytes = [header, extents.concat()].concat();
        assert_eq!(references(&bytes), Some(vec![2, 1]));
        assert_eq!(references(&bytes[..bytes.len() - 5]), None);
    }
}
