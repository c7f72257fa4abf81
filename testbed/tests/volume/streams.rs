//! Named streams and hard links: which opens share what, and when what goes away.
//!
//! Source: \[MS-FSA\] 2.1.1.3 to 2.1.1.6, 2.1.5.1, 2.1.5.5 (close), 2.1.5.15.3 and .6.

use testbed::volume::{
    CreateAction, DELETE, Disposition, FILE_ALL_ACCESS, FILE_ATTRIBUTE_READONLY,
    FILE_DELETE_ON_CLOSE, FILE_READ_DATA, FileSystem, FsSpec, OpenRequest, Status,
};

use crate::rig::{content, file, pattern};
use crate::sharing::clone;

const C: u64 = 4096;

fn volume() -> FileSystem {
    FileSystem::new(FsSpec::refs(4096)).unwrap()
}

const READ: OpenRequest = OpenRequest::existing(FILE_READ_DATA);

#[test]
fn a_named_stream_has_its_own_bytes_and_the_files_id() {
    let fs = volume();
    let named = file(&fs, r"\file:One", FILE_ALL_ACCESS, b"named");
    assert_eq!(named.path(), r"\file:One");
    assert!(named.is_named_stream());
    let unnamed = fs.open(r"\file", &OpenRequest::existing(FILE_ALL_ACCESS));
    let unnamed = unnamed.unwrap();
    unnamed.write(0, b"unnamed").unwrap();
    let again = fs.open(r"\FILE:one:$data", &READ).unwrap();
    let said = fs.open(r"\file::$DATA", &READ).unwrap();
    assert_eq!(
        (content(&again), content(&said)),
        (b"named".to_vec(), b"unnamed".to_vec())
    );
    assert_eq!((again.path(), said.path()), (r"\file:One", r"\file"));
    assert_eq!(again.stream_id(), named.stream_id());
    assert_eq!(said.stream_id(), unnamed.stream_id());
    assert_ne!(named.stream_id(), unnamed.stream_id());
    let [one, two] = [&named, &unnamed].map(|open| open.information().unwrap());
    assert_eq!(
        (one.file_id, one.end_of_file, two.end_of_file),
        (two.file_id, 5, 7)
    );
    assert_eq!(fs.statistics().files, 1);
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn streams_are_created_and_emptied_by_disposition() {
    let fs = volume();
    file(&fs, r"\file", FILE_ALL_ACCESS, b"kept");
    let open = |disposition, path| {
        let asked = OpenRequest {
            disposition,
            ..OpenRequest::existing(FILE_ALL_ACCESS)
        };
        fs.open(path, &asked)
    };
    let made = open(Disposition::OpenIf, r"\file:s").unwrap();
    assert_eq!(made.action(), CreateAction::Created);
    made.write(0, b"x").unwrap();
    let same = open(Disposition::OpenIf, r"\file:s").unwrap();
    assert_eq!(
        (same.action(), content(&same)),
        (CreateAction::Opened, b"x".to_vec())
    );
    let collision = open(Disposition::Create, r"\file:S").unwrap_err();
    assert_eq!(collision, Status::OBJECT_NAME_COLLISION);
    let missing = open(Disposition::Overwrite, r"\file:t").unwrap_err();
    assert_eq!(missing, Status::OBJECT_NAME_NOT_FOUND);
    let emptied = open(Disposition::Overwrite, r"\file:s").unwrap();
    assert_eq!(
        (emptied.action(), content(&made)),
        (CreateAction::Overwritten, Vec::new())
    );
    assert_eq!(content(&fs.open(r"\file", &READ).unwrap()), b"kept");
    fs.open(r"\dir", &OpenRequest::create_directory(FILE_READ_DATA))
        .unwrap();
    let on_directory = file(&fs, r"\dir:s", FILE_ALL_ACCESS, b"d");
    assert_eq!(on_directory.information().unwrap().attributes & 0x10, 0x10);
    fs.set_read_only(true);
    let protected = open(Disposition::OpenIf, r"\file:new").unwrap_err();
    assert_eq!(protected, Status::MEDIA_WRITE_PROTECTED);
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn a_named_stream_is_deleted_alone_and_goes_with_its_file() {
    let fs = volume();
    let unnamed = file(&fs, r"\file", FILE_ALL_ACCESS, &[1; 4096]);
    let one = file(&fs, r"\file:one", FILE_ALL_ACCESS, &[2; 4096]);
    let two = file(&fs, r"\file:two", FILE_ALL_ACCESS, &[3; 4096]);
    one.set_delete(true).unwrap();
    assert!(one.information().unwrap().delete_pending);
    assert!(!unnamed.information().unwrap().delete_pending);
    assert_eq!(
        fs.open(r"\file:one", &READ).unwrap_err(),
        Status::DELETE_PENDING
    );
    drop(one);
    assert_eq!(
        fs.open(r"\file:one", &READ).unwrap_err(),
        Status::OBJECT_NAME_NOT_FOUND
    );
    let asked = OpenRequest {
        options: FILE_DELETE_ON_CLOSE,
        ..OpenRequest::existing(DELETE)
    };
    drop(fs.open(r"\file:two", &asked).unwrap());
    assert_eq!(content(&two), [3; 4096], "still open");
    drop(two);
    assert_eq!(fs.statistics().used_clusters, 1);
    drop(file(&fs, r"\file:three", FILE_ALL_ACCESS, &[4; 4096]));
    unnamed.set_delete(true).unwrap();
    drop(unnamed);
    assert_eq!(
        (fs.statistics().files, fs.statistics().used_clusters),
        (0, 0)
    );
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn an_open_named_stream_holds_its_deleted_file() {
    let fs = volume();
    let unnamed = file(&fs, r"\file", FILE_ALL_ACCESS, &[1; 4096]);
    let named = file(&fs, r"\file:s", FILE_ALL_ACCESS, &[2; 4096]);
    unnamed.set_delete(true).unwrap();
    drop(unnamed);
    assert_eq!(
        fs.open(r"\file", &READ).unwrap_err(),
        Status::DELETE_PENDING
    );
    assert_eq!((content(&named), fs.statistics().files), (vec![2; 4096], 1));
    drop(named);
    assert_eq!(fs.statistics().files, 0);
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn two_links_are_one_file() {
    let fs = volume();
    fs.open(r"\dir", &OpenRequest::create_directory(FILE_READ_DATA))
        .unwrap();
    let first = file(&fs, r"\first", FILE_ALL_ACCESS, b"bytes");
    first.link(r"\dir\Second").unwrap();
    let second = fs.open(r"\dir\second", &OpenRequest::existing(FILE_ALL_ACCESS));
    let second = second.unwrap();
    assert_eq!(second.path(), r"\dir\Second");
    assert_eq!(first.stream_id(), second.stream_id());
    let [one, two] = [&first, &second].map(|open| open.information().unwrap());
    assert_eq!(one, two);
    assert_eq!(one.links, 2);
    second.write(5, b"!").unwrap();
    assert_eq!(content(&first), b"bytes!");
    first.set_delete(true).unwrap();
    assert!(!second.information().unwrap().delete_pending);
    drop(first);
    assert_eq!(
        fs.open(r"\first", &READ).unwrap_err(),
        Status::OBJECT_NAME_NOT_FOUND
    );
    assert_eq!(
        (content(&second), second.information().unwrap().links),
        (b"bytes!".to_vec(), 1)
    );
    assert_eq!(second.information().unwrap().file_id, one.file_id);
    second.set_delete(true).unwrap();
    drop(second);
    assert_eq!(
        (fs.statistics().files, fs.statistics().used_clusters),
        (0, 0)
    );
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn refuses_links_that_cannot_be() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    let named = file(&fs, r"\file:s", FILE_ALL_ACCESS, b"x");
    let directory = OpenRequest::create_directory(FILE_ALL_ACCESS);
    let directory = fs.open(r"\dir", &directory).unwrap();
    let cases = [
        (&open, r"\FILE", Status::OBJECT_NAME_COLLISION),
        (&open, r"\none\file", Status::OBJECT_PATH_NOT_FOUND),
        (&open, r"\new:s", Status::OBJECT_NAME_INVALID),
        (&named, r"\new", Status::INVALID_PARAMETER),
        (&directory, r"\new", Status::FILE_IS_A_DIRECTORY),
        (
            &fs.open_volume(FILE_ALL_ACCESS),
            r"\new",
            Status::INVALID_PARAMETER,
        ),
    ];
    for (open, path, expected) in cases {
        assert_eq!(open.link(path), Err(expected), "{open:?} {path}");
    }
    open.set_delete(true).unwrap();
    assert_eq!(open.link(r"\new"), Err(Status::ACCESS_DENIED));
    open.set_delete(false).unwrap();
    open.set_attributes(FILE_ATTRIBUTE_READONLY).unwrap();
    assert_eq!(named.set_delete(true), Err(Status::CANNOT_DELETE));
    fs.set_read_only(true);
    assert_eq!(open.link(r"\new"), Err(Status::MEDIA_WRITE_PROTECTED));
    assert_eq!(fs.check(), Ok(()));
}

/// \[MS-FSA\] 2.1.5.10.4 knows data streams, not files: streams of one file are two streams.
#[test]
fn streams_of_one_file_are_cloned_like_two_files() {
    let fs = volume();
    let bytes = pattern(1, 4 * 4096);
    let unnamed = file(&fs, r"\file", FILE_ALL_ACCESS, &bytes);
    let named = file(&fs, r"\file:s", FILE_ALL_ACCESS, &pattern(2, 4 * 4096));
    assert_eq!(clone((&unnamed, 0), (&named, 0), 4 * C, 0), Status::SUCCESS);
    assert_eq!(content(&named), bytes);
    assert_eq!(fs.statistics().shared_clusters, 4);
    unnamed.set_delete(true).unwrap();
    assert_eq!(clone((&named, 0), (&unnamed, C), C, 0), Status::SUCCESS);
    assert_eq!(fs.check(), Ok(()));
}

/// Case 52: the stream is the same, whatever name it was opened by.
#[test]
fn overlap_is_seen_through_two_links() {
    let fs = volume();
    let first = file(&fs, r"\first", FILE_ALL_ACCESS, &pattern(1, 8 * 4096));
    first.link(r"\second").unwrap();
    let asked = OpenRequest::existing(FILE_ALL_ACCESS);
    let second = fs.open(r"\second", &asked).unwrap();
    let overlap = clone((&first, 0), (&second, 2 * C), 4 * C, 0);
    assert_eq!(overlap, Status::NOT_SUPPORTED);
    assert_eq!(
        clone((&first, 0), (&second, 4 * C), 4 * C, 0),
        Status::SUCCESS
    );
    assert_eq!(
        content(&first)[4 * 4096..],
        pattern(1, 8 * 4096)[..4 * 4096]
    );
    assert_eq!(fs.check(), Ok(()));
}

/// `\dir`, `\dir\file`, `\file` and a named stream of it.
fn tree() -> FileSystem {
    let fs = volume();
    let directory = OpenRequest::create_directory(FILE_READ_DATA);
    fs.open(r"\dir", &directory).unwrap();
    for path in [r"\dir\file", r"\file", r"\file:stream"] {
        file(&fs, path, FILE_ALL_ACCESS, b"bytes");
    }
    fs
}

#[test]
fn a_stream_has_one_number() {
    let (one, two) = (tree(), tree());
    let asked = READ;
    let numbers: Vec<u64> = [&one, &two]
        .iter()
        .flat_map(|fs| {
            [r"\", r"\dir", r"\dir\file", r"\file", r"\file:stream"].map(|path| (fs, path))
        })
        .map(|(fs, path)| {
            let (first, second) = (
                fs.open(path, &asked).unwrap(),
                fs.open(path, &asked).unwrap(),
            );
            assert_eq!(first.stream_id(), second.stream_id(), "{path}");
            assert!(!first.is_volume());
            first.stream_id()
        })
        .chain([
            one.open_volume(1).stream_id(),
            two.open_volume(1).stream_id(),
        ])
        .collect();
    let different: std::collections::BTreeSet<_> = numbers.iter().collect();
    assert_eq!(different.len(), 12, "{numbers:x?}");
    assert_eq!(
        one.open_volume(1).stream_id(),
        one.open_volume(2).stream_id()
    );
    assert!(one.open_volume(1).is_volume());
}
