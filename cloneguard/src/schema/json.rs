//! The table as a JSON Schema.

use super::{Field, KINDS, Kind, Presence, Shape};
use serde_json::{Map, Value, json};

/// The JSON Schema (draft 2020-12) of one line.
///
/// A member that is not in it is an error: what this program writes, it describes. A reader of later
/// versions should let it pass.
#[must_use]
pub fn json_schema() -> Value {
    let kinds: Vec<Value> = KINDS.iter().map(kind_schema).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record of CloneGuard",
        "description": "One line of `cloneguard watch --json`, `search --json` and `export --format jsonl`.",
        "oneOf": kinds,
    })
}

/// The schema of a kind of record.
fn kind_schema(kind: &Kind) -> Value {
    let mut schema = object(kind.all_fields());
    let about = if kind.names.is_empty() {
        json!({ "type": "string", "pattern": "^unknown-[0-9]+$" })
    } else {
        json!({ "enum": kind.names })
    };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("kind".to_owned(), about);
        let version = json!({ "const": crate::SCHEMA_VERSION });
        properties.insert("schema_version".to_owned(), version);
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), kind.about.into());
    }
    schema
}

/// The schema of an object.
fn object(fields: impl Iterator<Item = &'static Field>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        if field.presence != Presence::Optional {
            required.push(field.name);
        }
        properties.insert(field.name.to_owned(), member(field));
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The schema of a member.
fn member(field: &Field) -> Value {
    let mut schema = shape(field.shape);
    if field.presence == Presence::Nullable {
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), field.about.into());
    }
    schema
}

/// The schema of a value.
fn shape(shape: Shape) -> Value {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Word(words) => json!({
            "anyOf": [{ "enum": words() }, pattern("^unknown-[0-9]+$")],
        }),
        Shape::Number => json!({ "type": "integer", "minimum": 0 }),
        Shape::Signed => json!({ "type": "integer" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Time => {
            pattern("^[0-9]{4,5}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{7}Z$")
        }
        Shape::Hex(digits) => pattern(&format!("^[0-9a-f]{{{digits}}}$")),
        Shape::Bytes => pattern("^([0-9a-f]{2})*$"),
        Shape::Hex64 => pattern("^0x[0-9a-f]{1,16}$"),
        Shape::Guid => pattern("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        Shape::Code => pattern("^0x[0-9A-F]{8}$"),
        Shape::Object(members) => object(members.iter()),
        Shape::List(of) => json!({ "type": "array", "items": self::shape(*of) }),
    }
}
