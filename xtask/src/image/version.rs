//! Reads a version resource: a tree of blocks, each with a key, a value and children.
//! <https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo>

use anyhow::{Context as _, Result, ensure};

/// What the rules ask of a version resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// The four numbers of the fixed part, with dots.
    pub(super) file_version: String,
    /// The string `ProductName`, of the first language that has one.
    pub(super) product_name: Option<String>,
}

/// Reads `VS_VERSIONINFO`.
pub(super) fn parse(bytes: &[u8]) -> Result<Version> {
    let root = Block::parse(bytes).context("the version resource is cut short")?;
    ensure!(
        root.key == "VS_VERSION_INFO",
        "the version resource begins with {:?}",
        root.key
    );
    let fixed: Vec<u32> = root
        .value
        .chunks_exact(4)
        .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    // VS_FIXEDFILEINFO: signature, structure version, file version in two halves.
    let (Some(&high), Some(&low)) = (fixed.get(2), fixed.get(3)) else {
        anyhow::bail!("the version resource has no fixed part");
    };
    Ok(Version {
        file_version: format!(
            "{}.{}.{}.{}",
            high >> 16,
            high & 0xFFFF,
            low >> 16,
            low & 0xFFFF
        ),
        product_name: root.string("ProductName"),
    })
}

/// A node of the tree.
struct Block<'a> {
    key: String,
    value: &'a [u8],
    children: Vec<Block<'a>>,
}

impl<'a> Block<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let length = usize::from(word(bytes, 0)?);
        let bytes = bytes.get(..length)?;
        let is_text = word(bytes, 4)? == 1;
        let unit = if is_text { 2 } else { 1 };
        let value_length = usize::from(word(bytes, 2)?) * unit;
        let (key, end) = text(bytes, 6)?;
        let value_start = end.next_multiple_of(4).min(length);
        let value = bytes.get(value_start..value_start + value_length)?;
        let mut children = Vec::new();
        let mut offset = (value_start + value_length).next_multiple_of(4);
        while offset < length {
            let child = bytes.get(offset..)?;
            children.push(Self::parse(child)?);
            // A length of zero was refused: it does not hold a block's own head.
            offset = (offset + usize::from(word(child, 0)?)).next_multiple_of(4);
        }
        Some(Self {
            key,
            value,
            children,
        })
    }

    /// The text under a key, anywhere in the tree.
    fn string(&self, key: &str) -> Option<String> {
        if self.key == key {
            return text(self.value, 0).map(|(text, _)| text);
        }
        self.children.iter().find_map(|child| child.string(key))
    }
}

fn word(bytes: &[u8], offset: usize) -> Option<u16> {
    let pair = bytes.get(offset..offset + 2)?;
    Some(u16::from_le_bytes([pair[0], pair[1]]))
}

/// Terminated UTF-16 at `offset`, and the offset behind its terminator.
fn text(bytes: &[u8], offset: usize) -> Option<(String, usize)> {
    let mut units = Vec::new();
    let mut end = offset;
    loop {
        let unit = word(bytes, end)?;
        end += 2;
        if unit == 0 {
            return Some((String::from_utf16_lossy(&units), end));
        }
        units.push(unit);
    }
}
