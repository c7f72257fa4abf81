//! Security identifiers as text.

/// A binary SID as `S-1-...` (MS-DTYP 2.4.2.1 and 2.4.2.2); `None` if the bytes are no SID.
#[must_use]
pub fn sid_text(sid: &[u8]) -> Option<String> {
    let (head, subs) = sid.split_first_chunk::<8>()?;
    let [revision, count, a, b, c, d, e, f] = *head;
    if subs.len() != usize::from(count) * 4 || count > 15 {
        return None;
    }
    let authority = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    // The authority is decimal below 2^32 and hexadecimal from there on.
    let mut text = if authority >> 32 == 0 {
        format!("S-{revision}-{authority}")
    } else {
        format!("S-{revision}-0x{authority:012X}")
    };
    for sub in subs.chunks_exact(4) {
        let sub = sub.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
        text.push_str(&format!("-{sub}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::sid_text;

    #[test]
    fn well_known_sids() {
        let system = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        assert_eq!(sid_text(&system).as_deref(), Some("S-1-5-18"));
        let everyone = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(sid_text(&everyone).as_deref(), Some("S-1-1-0"));
        let administrators = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(sid_text(&administrators).as_deref(), Some("S-1-5-32-544"));
    }

    #[test]
    fn numbers_are_unsigned_and_large_authorities_hexadecimal() {
        let sid = [1, 1, 0xA, 0, 0, 0, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(
            sid_text(&sid).as_deref(),
            Some("S-1-0x0A0000000005-4294967295")
        );
        assert_eq!(
            sid_text(&[1, 0, 0, 0, 0, 0, 0, 5]).as_deref(),
            Some("S-1-5")
        );
    }

    #[test]
    fn other_lengths_are_no_sid() {
        assert_eq!(sid_text(&[]), None);
        assert_eq!(sid_text(&[1, 1, 0, 0, 0, 0, 0, 5]), None);
        assert_eq!(sid_text(&[1, 0, 0, 0, 0, 0, 0, 5, 0]), None);
        let mut large = vec![0; 8 + 16 * 4];
        large[1] = 16;
        assert_eq!(sid_text(&large), None);
    }
}
