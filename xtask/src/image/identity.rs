//! What a debugger tells an image and its symbols by, made from the image's own content.
//!
//! The linker makes it from the content of the `.pdb`, and that holds paths, one of them with a name that rustc draws by
//! lot for each link. So the same sources would make another image every time, in nothing but its identity: a GUID, which
//! stands in the `.pdb` too, and time stamps, which `/Brepro` has already made hashes.
//! <https://learn.microsoft.com/windows/win32/debug/pe-format#debug-directory-image-only>

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use object::LittleEndian as LE;
use object::pe::{IMAGE_DEBUG_TYPE_CODEVIEW, IMAGE_DIRECTORY_ENTRY_DEBUG, ImageDebugDirectory};
use object::pod::slice_from_bytes;
use object::read::pe::PeFile64;
use sha2::{Digest as _, Sha256};

use super::facts;

/// Where the time stamp is in a debug directory, as in the file header behind the signature "PE".
const DIRECTORY_STAMP: usize = 4;
const HEADER_STAMP: usize = 8;
const STAMP_BYTES: usize = 4;
/// What an entry of the type CodeView begins with. The GUID follows.
const RSDS: &[u8] = b"RSDS";
const GUID_BYTES: usize = 16;

/// Gives both their identity.
pub(crate) fn settle(image: &mut [u8], symbols: &mut [u8]) -> Result<()> {
    let places = Places::find(image)?;
    let old = part(image, &places.guid)?.to_vec();
    for place in places.all() {
        part_mut(image, &place)?.fill(0);
    }
    let digest = Sha256::digest(&*image);
    let (guid, rest) = digest.split_at(GUID_BYTES);
    let stamp = rest.get(..STAMP_BYTES).context("a digest is longer")?;
    part_mut(image, &places.guid)?.copy_from_slice(guid);
    for place in &places.stamps {
        part_mut(image, place)?.copy_from_slice(stamp);
    }
    let checksum = facts::checksum(image).context("the image has no checksum")?;
    part_mut(image, &places.checksum)?.copy_from_slice(&checksum.to_le_bytes());
    let found: Vec<_> = symbols
        .windows(GUID_BYTES)
        .enumerate()
        .filter_map(|(offset, window)| (window == old).then_some(offset))
        .collect();
    let [offset] = found.as_slice() else {
        anyhow::bail!(
            "the symbols name the image {} times instead of once",
            found.len()
        );
    };
    part_mut(symbols, &(*offset..offset + GUID_BYTES))?.copy_from_slice(guid);
    Ok(())
}

/// Where the identity stands in the image, and the checksum, which covers it.
struct Places {
    guid: Range<usize>,
    stamps: Vec<Range<usize>>,
    checksum: Range<usize>,
}

impl Places {
    fn find(image: &[u8]) -> Result<Self> {
        let file = PeFile64::parse(image)?;
        let sections = file.section_table();
        let entry = file.data_directory(IMAGE_DIRECTORY_ENTRY_DEBUG);
        let entry = entry.context("the image has no debug directory")?;
        let (start, size) = entry.file_range(&sections)?;
        let start = usize::try_from(start)?;
        let bytes = part(image, &(start..start + usize::try_from(size)?))?;
        let count = bytes.len() / size_of::<ImageDebugDirectory>();
        let (entries, _) = slice_from_bytes::<ImageDebugDirectory>(bytes, count)
            .ok()
            .context("the debug directory is cut short")?;
        let headers = usize::try_from(file.dos_header().nt_headers_offset())?;
        let mut stamps = vec![place(headers + HEADER_STAMP, STAMP_BYTES)];
        let mut guids = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let own = start + index * size_of::<ImageDebugDirectory>();
            stamps.push(place(own + DIRECTORY_STAMP, STAMP_BYTES));
            if entry.typ.get(LE) == IMAGE_DEBUG_TYPE_CODEVIEW {
                let data = usize::try_from(entry.pointer_to_raw_data.get(LE))?;
                ensure!(
                    part(image, &place(data, RSDS.len()))? == RSDS,
                    "the image names its symbols in an unknown way"
                );
                guids.push(place(data + RSDS.len(), GUID_BYTES));
            }
        }
        let guid = guids.pop().context("the image does not name its symbols")?;
        ensure!(guids.is_empty(), "the image names its symbols twice");
        let checksum = facts::checksum_offset(image).context("the image has no checksum")?;
        Ok(Self {
            guid,
            stamps,
            checksum: place(checksum, size_of::<u32>()),
        })
    }

    fn all(&self) -> Vec<Range<usize>> {
        let one = [self.guid.clone(), self.checksum.clone()];
        self.stamps.iter().cloned().chain(one).collect()
    }
}

fn place(offset: usize, length: usize) -> Range<usize> {
    offset..offset + length
}

fn part<'a>(bytes: &'a [u8], place: &Range<usize>) -> Result<&'a [u8]> {
    bytes.get(place.clone()).context("the image is cut short")
}

fn part_mut<'a>(bytes: &'a mut [u8], place: &Range<usize>) -> Result<&'a mut [u8]> {
    bytes
        .get_mut(place.clone())
        .context("the file is cut short")
}
