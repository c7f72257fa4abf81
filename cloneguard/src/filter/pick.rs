//! Finds a field in what a record serialises to, and evaluates nothing else of it.
//!
//! This is a `Serializer` that writes nothing: it follows a path of names and reports each value at its
//! end. A member that is not on the path is never serialised, so no text is made for it.

use super::literal::Scalar;
use core::fmt;
use serde::Serialize;
use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// The members that stand for an object whose name is given: the text of a name, the code and name of
/// a status, the number and name of a rule.
pub(crate) const STANDING_FOR: [&str; 4] = ["text", "code", "name", "id"];

/// Reports every value of a record's field. A list has many.
pub(super) fn pick<T: Serialize + ?Sized>(
    record: &T,
    path: &[&str],
    report: &mut dyn FnMut(Scalar<'_>),
) {
    // Only what nothing of ours contains makes this fail, and that has no value.
    let _: Result<(), NoField> = record.serialize(Picker { path, report });
}

/// Something that no field of a record is.
#[derive(Debug)]
pub(super) struct NoField;

impl fmt::Display for NoField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no field of a record")
    }
}

impl core::error::Error for NoField {}

impl ser::Error for NoField {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// On the way to the field.
struct Picker<'p> {
    /// What is left of the path.
    path: &'p [&'p str],
    report: &'p mut dyn FnMut(Scalar<'_>),
}

impl Picker<'_> {
    /// Reports a value, if the path ends here.
    fn scalar(self, scalar: Scalar<'_>) -> Result<(), NoField> {
        if self.path.is_empty() {
            (self.report)(scalar);
        }
        Ok(())
    }

    /// Goes on into a member, if it is on the path or stands for the object at the end of it.
    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), NoField> {
        match behind(self.path, key) {
            Some(path) => self.go_on(path, value),
            None => Ok(()),
        }
    }

    /// Looks into a value for what is left of the path there.
    fn go_on<T: Serialize + ?Sized>(&mut self, path: &[&str], value: &T) -> Result<(), NoField> {
        let report = &mut *self.report;
        value.serialize(Picker { path, report })
    }

    /// Goes on into an element of a list.
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoField> {
        let (path, report) = (self.path, &mut *self.report);
        value.serialize(Picker { path, report })
    }
}

/// What is left of a path behind a member: nothing changes if that stands for the object at the end of the path. None if it is
/// not on the path.
fn behind<'p>(path: &'p [&'p str], key: &str) -> Option<&'p [&'p str]> {
    match path.split_first() {
        Some((name, rest)) => (*name == key).then_some(rest),
        None => STANDING_FOR.contains(&key).then_some(path),
    }
}

/// Values that are numbers.
macro_rules! numbers {
    ($($method:ident: $type:ty,)+) => {$(
        fn $method(self, value: $type) -> Result<(), NoField> {
            self.scalar(Scalar::Number(i128::from(value)))
        }
    )+};
}

impl<'p> Serializer for Picker<'p> {
    type Ok = ();
    type Error = NoField;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Entries<'p>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), NoField> {
        self.scalar(Scalar::Flag(value))
    }

    fn serialize_f32(self, _: f32) -> Result<(), NoField> {
        Err(NoField)
    }

    fn serialize_f64(self, _: f64) -> Result<(), NoField> {
        Err(NoField)
    }

    fn serialize_char(self, value: char) -> Result<(), NoField> {
        self.scalar(Scalar::Text(value.encode_utf8(&mut [0; 4])))
    }

    fn serialize_str(self, value: &str) -> Result<(), NoField> {
        self.scalar(Scalar::Text(value))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), NoField> {
        Err(NoField)
    }

    fn serialize_none(self) -> Result<(), NoField> {
        self.scalar(Scalar::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoField> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NoField> {
        self.scalar(Scalar::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoField> {
        self.scalar(Scalar::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<(), NoField> {
        self.scalar(Scalar::Text(name))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoField> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoField> {
        self.member(name, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, NoField> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, NoField> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, NoField> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NoField> {
        Err(NoField)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'p>, NoField> {
        Ok(Entries {
            picker: self,
            behind: None,
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, NoField> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NoField> {
        Err(NoField)
    }
}

/// What has named members.
macro_rules! members {
    ($($trait:ident,)+) => {$(
        impl $trait for Picker<'_> {
            type Ok = ();
            type Error = NoField;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NoField> {
                self.member(key, value)
            }

            fn end(self) -> Result<(), NoField> {
                Ok(())
            }
        }
    )+};
}

/// What has elements in a row.
macro_rules! elements {
    ($($trait:ident::$method:ident,)+) => {$(
        impl $trait for Picker<'_> {
            type Ok = ();
            type Error = NoField;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoField> {
                self.element(value)
            }

            fn end(self) -> Result<(), NoField> {
                Ok(())
            }
        }
    )+};
}

members! { SerializeStruct, SerializeStructVariant, }

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// A map, whose keys come as values; a flattened structure is one too.
struct Entries<'p> {
    picker: Picker<'p>,
    /// What is left of the path behind the key that was told last.
    behind: Option<&'p [&'p str]>,
}

impl<'p> SerializeMap for Entries<'p> {
    type Ok = ();
    type Error = NoField;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoField> {
        let path: &'p [&'p str] = self.picker.path;
        let mut found = None;
        let mut report = |scalar: Scalar<'_>| {
            if let Scalar::Text(text) = scalar {
                found = behind(path, text);
            }
        };
        key.serialize(Picker {
            path: &[],
            report: &mut report,
        })?;
        self.behind = found;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoField> {
        match self.behind {
            Some(path) => self.picker.go_on(path, value),
            None => Ok(()),
        }
    }

    fn end(self) -> Result<(), NoField> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Scalar, pick};
    use serde::Serialize;
    use serde_json::{Value, json};

    fn picked<T: Serialize>(record: &T, path: &[&str]) -> Vec<Value> {
        let mut values = Vec::new();
        pick(record, path, &mut |scalar| {
            values.push(match scalar {
                Scalar::Null => Value::Null,
                Scalar::Flag(flag) => flag.into(),
                Scalar::Number(number) => i64::try_from(number).unwrap().into(),
                Scalar::Text(text) => text.into(),
            });
        });
        values
    }

    #[derive(Serialize)]
    struct Outer {
        plain: u8,
        #[serde(flatten)]
        flat: Inner,
        list: Vec<Inner>,
        none: Option<u8>,
    }

    #[derive(Serialize)]
    struct Inner {
        id: i64,
        name: &'static str,
        other: bool,
    }

    #[test]
    fn values_are_found_wherever_serde_puts_them() {
        let inner = |id| Inner {
            id,
            name: "x",
            other: true,
        };
        let outer = Outer {
            plain: 1,
            flat: inner(-2),
            list: vec![inner(3), inner(4)],
            none: None,
        };
        for record in [
            &outer as &dyn erased::Record,
            &serde_json::to_value(&outer).unwrap(),
        ] {
            let picked = |path: &[&str]| record.picked(path);
            assert_eq!(picked(&["plain"]), [json!(1)]);
            assert_eq!(picked(&["id"]), [json!(-2)]);
            assert_eq!(picked(&["other"]), [json!(true)]);
            assert_eq!(
                picked(&["list"]),
                [json!(3), json!("x"), json!(4), json!("x")]
            );
            assert_eq!(picked(&["list", "other"]), [json!(true), json!(true)]);
            assert_eq!(picked(&["none"]), [Value::Null]);
            assert!(picked(&["nothing"]).is_empty());
            assert!(picked(&["plain", "nothing"]).is_empty());
        }
    }

    /// `Serialize` cannot be a trait object; this can.
    mod erased {
        use super::{Serialize, Value};

        pub(super) trait Record {
            fn picked(&self, path: &[&str]) -> Vec<Value>;
        }

        impl<T: Serialize> Record for T {
            fn picked(&self, path: &[&str]) -> Vec<Value> {
                super::picked(self, path)
            }
        }
    }

    #[test]
    fn what_is_not_asked_for_is_not_evaluated() {
        struct Never;
        impl Serialize for Never {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                panic!("nobody asked");
            }
        }
        #[derive(Serialize)]
        struct Record {
            never: Never,
            wanted: u8,
        }
        assert_eq!(
            picked(
                &Record {
                    never: Never,
                    wanted: 7
                },
                &["wanted"]
            ),
            [json!(7)]
        );
    }
}
