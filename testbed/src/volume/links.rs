//! The names of an open file: another link to it, deletion, attributes.

use super::access::{DELETE, FILE_ATTRIBUTE_READONLY, SETTABLE_ATTRIBUTES};
use super::create::free_place;
use super::open::{OpenFile, OpenKind};
use super::state::{Body, ROOT};
use super::status::Status;

impl OpenFile {
    /// Gives the file another name (\[MS-FSA\] 2.1.5.15.6; on ReFS since Windows Server 2022, note 1).
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED; STATUS_FILE_IS_A_DIRECTORY; STATUS_INVALID_PARAMETER for a volume
    /// or a named stream; STATUS_ACCESS_DENIED if the name it was opened by is marked for deletion;
    /// those of the new path, STATUS_OBJECT_NAME_COLLISION if it exists; STATUS_FILE_CLOSED.
    pub fn link(&self, path: &str) -> Result<(), Status> {
        let mut state = self.shared().lock();
        let entry = self.open_entry()?;
        if self.shared().is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        if self.is_named_stream() {
            return Err(Status::INVALID_PARAMETER);
        }
        let node = state.nodes.get_mut(&entry.node);
        let node = node.ok_or(Status::FILE_CLOSED)?;
        if self.kind() == OpenKind::Directory {
            return Err(Status::FILE_IS_A_DIRECTORY);
        }
        if node.link(entry.link).is_none_or(|link| link.deleted) {
            return Err(Status::ACCESS_DENIED);
        }
        let (parent, name) = free_place(&state, path)?;
        state.add_link(entry.node, parent, name);
        Ok(())
    }

    /// Marks the name, or the named stream, for deletion with its last open, or takes the mark back
    /// (\[MS-FSA\] 2.1.5.15.3).
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED; STATUS_ACCESS_DENIED without DELETE; STATUS_CANNOT_DELETE for the
    /// root and for a read-only file; STATUS_DIRECTORY_NOT_EMPTY; STATUS_FILE_CLOSED.
    pub fn set_delete(&self, delete: bool) -> Result<(), Status> {
        let mut guard = self.shared().lock();
        let state = &mut *guard;
        let entry = self.open_entry()?;
        let node = state.nodes.get_mut(&entry.node);
        let node = node.ok_or(Status::FILE_CLOSED)?;
        if self.shared().is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        if self.granted() & DELETE == 0 {
            return Err(Status::ACCESS_DENIED);
        }
        if delete {
            if entry.node == ROOT || node.attributes & FILE_ATTRIBUTE_READONLY != 0 {
                return Err(Status::CANNOT_DELETE);
            }
            let full = matches!(&node.body, Body::Directory(entries) if !entries.is_empty());
            if full && !self.is_named_stream() {
                return Err(Status::DIRECTORY_NOT_EMPTY);
            }
        }
        let mark = if self.is_named_stream() {
            let stream = state.streams.get_mut(&self.open_stream()?);
            stream.map(|stream| &mut stream.deleted)
        } else {
            node.link(entry.link).map(|link| &mut link.deleted)
        };
        *mark.ok_or(Status::FILE_CLOSED)? = delete;
        Ok(())
    }

    /// Sets the attributes that a caller can set; others are ignored.
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED, STATUS_FILE_CLOSED; STATUS_INVALID_PARAMETER for a volume.
    pub fn set_attributes(&self, attributes: u32) -> Result<(), Status> {
        let mut state = self.shared().lock();
        let node = state
            .nodes
            .get_mut(&self.open_entry()?.node)
            .ok_or(Status::FILE_CLOSED)?;
        if self.shared().is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        node.attributes &= !SETTABLE_ATTRIBUTES;
        node.attributes |= attributes & SETTABLE_ATTRIBUTES;
        Ok(())
    }
}
