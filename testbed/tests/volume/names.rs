//! Opens, dispositions, deletion, and what a volume says about itself.
//!
//! Source: \[MS-FSA\] 2.1.5.1 (open), 2.1.5.5 (close), 2.1.5.15.3 (disposition).

use testbed::volume::{
    CreateAction, DELETE, Disposition, FILE_ALL_ACCESS, FILE_ATTRIBUTE_HIDDEN,
    FILE_ATTRIBUTE_READONLY, FILE_DELETE_ON_CLOSE, FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE,
    FILE_READ_DATA, FILE_WRITE_DATA, FileSystem, FsSpec, MAXIMUM_ALLOWED, OpenRequest, Status,
};

use crate::rig::{content, file};

/// `\dir`, `\dir\file` with five bytes, `\protected` with the read-only attribute.
fn volume() -> FileSystem {
    let fs = FileSystem::new(FsSpec::refs(4096)).unwrap();
    fs.open(r"\dir", &OpenRequest::create_directory(FILE_READ_DATA))
        .unwrap();
    file(&fs, r"\dir\file", FILE_ALL_ACCESS, b"bytes");
    file(&fs, r"\protected", FILE_ALL_ACCESS, b"p")
        .set_attributes(FILE_ATTRIBUTE_READONLY)
        .unwrap();
    fs
}

const fn request(disposition: Disposition, options: u32, access: u32) -> OpenRequest {
    OpenRequest {
        access,
        disposition,
        options,
        attributes: 0,
    }
}

#[test]
fn opens_by_disposition() {
    use CreateAction::{Created, Opened, Overwritten, Superseded};
    use Disposition::{Create, Open, OpenIf, Overwrite, OverwriteIf, Supersede};
    let missing = Err(Status::OBJECT_NAME_NOT_FOUND);
    let collision = Err(Status::OBJECT_NAME_COLLISION);
    let cases = [
        (Open, Ok(Opened), missing),
        (Create, collision, Ok(Created)),
        (OpenIf, Ok(Opened), Ok(Created)),
        (Overwrite, Ok(Overwritten), missing),
        (OverwriteIf, Ok(Overwritten), Ok(Created)),
        (Supersede, Ok(Superseded), Ok(Created)),
    ];
    for (disposition, existing, new) in cases {
        let fs = volume();
        let asked = request(disposition, FILE_NON_DIRECTORY_FILE, FILE_ALL_ACCESS);
        let opened = fs.open(r"\DIR\File", &asked);
        assert_eq!(
            opened.as_ref().map(|open| open.action()).map_err(|&e| e),
            existing
        );
        if let Ok(open) = opened {
            let kept: &[u8] = if existing == Ok(Opened) {
                b"bytes"
            } else {
                b""
            };
            assert_eq!(content(&open), kept, "{disposition:?}");
            assert_eq!(open.path(), r"\dir\file");
        }
        assert_eq!(fs.open(r"\dir\new", &asked).map(|open| open.action()), new);
        assert_eq!(fs.check(), Ok(()));
        fs.set_read_only(true);
        let protected = fs.open(r"\dir\newer", &asked).map(|open| open.action());
        let expected = if disposition == Open {
            missing
        } else {
            Err(Status::MEDIA_WRITE_PROTECTED)
        };
        assert_eq!(protected, expected, "{disposition:?} on a read-only volume");
    }
}

/// What cannot be opened, how, and why.
const REFUSED: &[(&str, OpenRequest, Status)] = {
    use Disposition::{Create, Open, OpenIf, OverwriteIf, Supersede};
    let (dir, data) = (FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE);
    let on_close = FILE_DELETE_ON_CLOSE;
    &[
        (
            r"\none\file",
            request(Open, 0, 1),
            Status::OBJECT_PATH_NOT_FOUND,
        ),
        (
            r"\dir\file\x",
            request(Create, 0, 1),
            Status::OBJECT_PATH_NOT_FOUND,
        ),
        (r"\dir\file", request(Open, dir, 1), Status::NOT_A_DIRECTORY),
        (
            r"\dir\file",
            request(Create, dir, 1),
            Status::OBJECT_NAME_COLLISION,
        ),
        (r"\dir", request(Open, data, 1), Status::FILE_IS_A_DIRECTORY),
        (
            r"\dir",
            request(OverwriteIf, 0, 1),
            Status::OBJECT_NAME_COLLISION,
        ),
        (r"\", request(Supersede, 0, 1), Status::ACCESS_DENIED),
        (
            r"\dir",
            request(Supersede, dir, 1),
            Status::INVALID_PARAMETER,
        ),
        (
            r"\dir",
            request(Open, dir | data, 1),
            Status::INVALID_PARAMETER,
        ),
        (r"\dir\file", request(Open, 0, 0), Status::ACCESS_DENIED),
        (
            r"\dir\file",
            request(Open, 0, 0x0400_0000),
            Status::ACCESS_DENIED,
        ),
        (
            r"\dir\file",
            request(Open, on_close, 1),
            Status::INVALID_PARAMETER,
        ),
        (
            r"\dir\file\",
            request(Open, data, 1),
            Status::OBJECT_NAME_INVALID,
        ),
        (
            r"\dir\file\",
            request(Open, 0, 1),
            Status::OBJECT_NAME_INVALID,
        ),
        (
            r"\dir\file:stream",
            request(Open, 0, 1),
            Status::OBJECT_NAME_NOT_FOUND,
        ),
        (
            r"\dir\file:stream",
            request(OpenIf, FILE_DIRECTORY_FILE, 1),
            Status::NOT_A_DIRECTORY,
        ),
        (
            r"\dir::$DATA",
            request(Open, 0, 1),
            Status::FILE_IS_A_DIRECTORY,
        ),
        (
            r"\protected:new",
            request(OpenIf, 0, 1),
            Status::ACCESS_DENIED,
        ),
        (
            r"\dir\file",
            request(Open, 0x10 | 0x20, 0x0010_0001),
            Status::INVALID_PARAMETER,
        ),
        (
            r"\dir\file",
            request(Open, 0x20, 1),
            Status::INVALID_PARAMETER,
        ),
        (
            r"\protected",
            request(Open, 0, FILE_WRITE_DATA),
            Status::ACCESS_DENIED,
        ),
        (
            r"\protected",
            request(OverwriteIf, 0, FILE_READ_DATA),
            Status::ACCESS_DENIED,
        ),
        (
            r"\protected",
            request(Open, on_close, DELETE),
            Status::CANNOT_DELETE,
        ),
    ]
};

#[test]
fn refuses_opens_that_cannot_be() {
    let fs = volume();
    for &(path, asked, expected) in REFUSED {
        assert_eq!(
            fs.open(path, &asked).unwrap_err(),
            expected,
            "{path} {asked:?}"
        );
    }
    assert_eq!(fs.check(), Ok(()));
    assert_eq!(fs.statistics().opens, 0);
}

#[test]
fn an_overwrite_must_repeat_hidden() {
    let fs = volume();
    let open = fs
        .open(r"\dir\file", &OpenRequest::existing(FILE_ALL_ACCESS))
        .unwrap();
    open.set_attributes(FILE_ATTRIBUTE_HIDDEN).unwrap();
    let mut asked = request(Disposition::Overwrite, 0, FILE_WRITE_DATA);
    assert_eq!(
        fs.open(r"\dir\file", &asked).unwrap_err(),
        Status::ACCESS_DENIED
    );
    asked.attributes = FILE_ATTRIBUTE_HIDDEN;
    assert!(fs.open(r"\dir\file", &asked).is_ok());
}

#[test]
fn grants_what_is_asked() {
    let fs = volume();
    let granted = |path, access| {
        fs.open(path, &OpenRequest::existing(access))
            .unwrap()
            .granted()
    };
    assert_eq!(granted(r"\dir\file", 0x8000_0000), 0x0012_0089);
    assert_eq!(granted(r"\dir\file", 0x1000_0000), FILE_ALL_ACCESS);
    assert_eq!(granted(r"\dir\file", MAXIMUM_ALLOWED), FILE_ALL_ACCESS);
    assert_eq!(granted(r"\protected", MAXIMUM_ALLOWED) & FILE_WRITE_DATA, 0);
}

#[test]
fn a_marked_file_goes_with_its_last_open() {
    let fs = volume();
    let all = OpenRequest::existing(FILE_ALL_ACCESS);
    let first = fs.open(r"\dir\file", &all).unwrap();
    let second = fs.open(r"\dir\file", &all).unwrap();
    let reader = fs
        .open(r"\dir\file", &OpenRequest::existing(FILE_READ_DATA))
        .unwrap();
    assert_eq!(reader.set_delete(true), Err(Status::ACCESS_DENIED));
    first.set_delete(true).unwrap();
    assert_eq!(
        fs.open(r"\dir\file", &all).unwrap_err(),
        Status::DELETE_PENDING
    );
    first.set_delete(false).unwrap();
    first.set_delete(true).unwrap();
    drop((first, reader));
    assert_eq!(content(&second), b"bytes");
    second.cleanup();
    assert_eq!(second.read(0, 1), Err(Status::FILE_CLOSED));
    assert_eq!(
        fs.open(r"\dir\file", &all).unwrap_err(),
        Status::OBJECT_NAME_NOT_FOUND
    );
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn directories_go_only_empty() {
    let fs = volume();
    let all = OpenRequest::existing(FILE_ALL_ACCESS);
    let dir = fs.open(r"\dir", &all).unwrap();
    assert_eq!(dir.set_delete(true), Err(Status::DIRECTORY_NOT_EMPTY));
    let root = fs.open(r"\", &all).unwrap();
    assert_eq!(root.set_delete(true), Err(Status::CANNOT_DELETE));
    let on_close = OpenRequest {
        options: FILE_DELETE_ON_CLOSE,
        ..all
    };
    drop(fs.open(r"\dir", &on_close).unwrap());
    assert!(fs.open(r"\dir\file", &on_close).is_ok());
    drop((dir, fs.open(r"\dir", &on_close).unwrap()));
    assert_eq!(fs.statistics().directories, 1);
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn a_close_gives_back_what_lies_behind_the_end() {
    let fs = volume();
    let open = fs
        .open(r"\dir\file", &OpenRequest::existing(FILE_ALL_ACCESS))
        .unwrap();
    open.set_allocation(100_000).unwrap();
    assert_eq!(open.information().unwrap().allocation_size, 102_400);
    drop(open);
    let open = fs
        .open(r"\dir\file", &OpenRequest::existing(FILE_READ_DATA))
        .unwrap();
    assert_eq!(open.information().unwrap().allocation_size, 4096);
    assert_eq!(open.set_allocation(0), Err(Status::ACCESS_DENIED));
    assert_eq!(open.set_end_of_file(0), Err(Status::ACCESS_DENIED));
}

#[test]
fn directories_and_volumes_hold_no_data() {
    let fs = volume();
    let dir = fs
        .open(r"\dir", &OpenRequest::existing(FILE_ALL_ACCESS))
        .unwrap();
    let volume = fs.open_volume(FILE_ALL_ACCESS);
    for open in [&dir, &volume] {
        assert_eq!(open.read(0, 1), Err(Status::INVALID_DEVICE_REQUEST));
        assert_eq!(open.write(0, b"x"), Err(Status::INVALID_DEVICE_REQUEST));
        assert_eq!(open.set_end_of_file(1), Err(Status::INVALID_PARAMETER));
    }
    assert!(dir.information().unwrap().directory);
    assert_eq!(volume.information(), Err(Status::INVALID_PARAMETER));
}

#[test]
fn reads_and_writes_at_the_edges() {
    let fs = volume();
    let open = fs
        .open(r"\dir\file", &OpenRequest::existing(FILE_ALL_ACCESS))
        .unwrap();
    assert_eq!(open.read(3, 100).unwrap(), b"es");
    assert_eq!(open.read(5, 1), Err(Status::END_OF_FILE));
    assert_eq!(open.read(5, 0), Ok(Vec::new()));
    assert_eq!(open.read(u64::MAX, 1), Err(Status::INVALID_PARAMETER));
    assert_eq!(open.write(u64::MAX, b"x"), Err(Status::INVALID_PARAMETER));
    assert_eq!(
        open.write(i64::MAX as u64 - 1, b"x"),
        Err(Status::INVALID_PARAMETER)
    );
    assert_eq!(open.write(1 << 60, b"x"), Err(Status::DISK_FULL));
    assert_eq!(
        open.set_end_of_file(i64::MAX as u64),
        Err(Status::INVALID_PARAMETER)
    );
    fs.set_read_only(true);
    assert_eq!(open.write(0, b"x"), Err(Status::MEDIA_WRITE_PROTECTED));
    assert_eq!(open.set_end_of_file(0), Err(Status::MEDIA_WRITE_PROTECTED));
    assert_eq!(content(&open), b"bytes");
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn volumes_say_what_they_are() {
    let refs = FileSystem::new(FsSpec {
        dev_drive: true,
        ..FsSpec::refs(65536)
    })
    .unwrap();
    let says = refs.information();
    assert_eq!(
        (says.file_system_name, says.cluster_size, says.dev_drive),
        ("ReFS", 65536, true)
    );
    assert_eq!(says.attributes, 0x0C44_0046);
    let ntfs = FileSystem::new(FsSpec {
        read_only: true,
        ..FsSpec::ntfs(4096)
    })
    .unwrap();
    assert_eq!(ntfs.information().attributes, 0x004C_0046);
    let ids = |fs: &FileSystem| {
        fs.set_read_only(false);
        [r"\a", r"\b"].map(|path| {
            file(fs, path, FILE_ALL_ACCESS, b"")
                .information()
                .unwrap()
                .file_id
        })
    };
    assert_ne!(ids(&refs)[0], ids(&ntfs)[1]);
    assert!(
        FileSystem::new(FsSpec::refs(4097))
            .unwrap_err()
            .contains("4097")
    );
}
