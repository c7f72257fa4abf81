//! `cloneguard schema`.

use crate::Place;
use serde_json::Value;

#[test]
fn the_schema_is_the_librarys() {
    let ran = Place::new("schema").run(&["schema"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let schema: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(schema, cloneguard::schema::json_schema());
}

#[test]
fn the_fields_are_a_line_each() {
    let ran = Place::new("fields").run(&["schema", "--fields"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let fields = cloneguard::schema::every_field();
    assert_eq!(ran.out.lines().count(), fields.len());
    for (line, (path, _)) in ran.out.lines().zip(&fields) {
        assert!(line.starts_with(&format!("{path} ")), "{line}");
    }
    assert!(
        ran.out.contains(
            "\nclaim.byte_count                  number                  bytes of the range\n"
        ),
        "{}",
        ran.out
    );
}
