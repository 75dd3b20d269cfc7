//! Explains refusals: reads a record again with the types of [`crate::wire`], and names the place of
//! the first fault, or the fields that the types do not have. The types stay the only definition of
//! the contract.
//!
//! serde passes names of fields and variants to a deserializer and to its error. serde_json makes a
//! message of them that quotes the record. This deserializer keeps names and places, and no value.

use std::cell::RefCell;
use std::fmt::{self, Display};

use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::value::RawValue;

use crate::BYTE_ORDER_MARK;
use crate::refusal::{FieldFault, nearest, text_kind};
use crate::wire::{AnyLogin, Data, Envelope, Report};

/// Maximum number of unknown fields that are listed of an event.
const UNKNOWN_MAX: usize = 20;
/// Maximum length of the name of an unknown field that is shown.
const SHOWN_BYTES_MAX: usize = 32;

/// Returns the first fault of `text` as a `T`. Its pointer begins with `root`.
pub(crate) fn fault_of<'t, T: Deserialize<'t>>(text: &'t [u8], root: &str) -> FieldFault {
    read::<T>(text, root, &RefCell::default())
        .and_then(Result::err)
        .unwrap_or_else(|| {
            let allowed = "an event as in the JSON Schema of its type, in schemas/events";
            FieldFault::new(root.to_owned(), "a form that cannot be read", allowed)
        })
}

/// Returns the fields of an event that the contract does not have. They are ignored, so that a
/// portal may be newer than its reader. Extension attributes of CloudEvents are not listed. A name
/// with other characters than ASCII letters, digits and `_` is shown as `*`.
///
/// ```
/// let event = br#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1",
///     "time":"2017-03-26T10:00:00Z","data":{"ente":"e","portal":"p","Visitor":"x"}}"#;
/// let unknown = affluenza_event::unknown_fields(event);
/// assert_eq!(unknown[0].pointer, "/data/Visitor");
/// assert_eq!(unknown[0].suggestion.as_deref(), Some("visitor"));
/// ```
pub fn unknown_fields(event: &[u8]) -> Vec<FieldFault> {
    let event = event.strip_prefix(BYTE_ORDER_MARK).unwrap_or(event);
    let unknown = RefCell::default();
    match read::<Envelope<'_, Data<'_, AnyLogin>>>(event, "", &unknown) {
        Some(Ok(())) => unknown.into_inner(),
        _ => {
            let unknown = RefCell::default();
            match read::<Envelope<'_, Report<'_>>>(event, "", &unknown) {
                Some(Ok(())) => unknown.into_inner(),
                _ => Vec::new(),
            }
        }
    }
}

/// Reads a text as a `T` and notes the fields that `T` does not have. `None` if it is not JSON.
fn read<'t, T: Deserialize<'t>>(
    text: &'t [u8],
    root: &str,
    unknown: &RefCell<Vec<FieldFault>>,
) -> Option<Result<(), FieldFault>> {
    let path = Path {
        parent: None,
        name: root,
    };
    let value = JsonValue {
        text: serde_json::from_slice(text).ok()?,
        path: &path,
        siblings: &[],
        unknown,
    };
    let read = T::deserialize(value).map(drop);
    Some(read.map_err(|error| error.at(&path)))
}

/// Place of a value: the name of its field or its index, below its parent.
#[derive(Clone, Copy)]
struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    /// JSON Pointer of the root, otherwise an unescaped name.
    name: &'p str,
}

impl Path<'_> {
    fn pointer(&self) -> String {
        match self.parent {
            None => self.name.to_owned(),
            Some(parent) => {
                let name = self.name.replace('~', "~0").replace('/', "~1");
                format!("{}/{name}", parent.pointer())
            }
        }
    }
}

/// Error of a value. Its place is added by the value's deserializer.
#[derive(Debug)]
enum Misread {
    Missing(&'static str),
    Duplicate(&'static str),
    /// Names that are allowed, and the text found.
    Name(&'static [&'static str], String),
    /// Kind of value that is allowed.
    Kind(String),
    At(FieldFault),
}

impl Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Misread {}

impl de::Error for Misread {
    fn custom<T: Display>(allowed: T) -> Self {
        Self::Kind(allowed.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, allowed: &dyn de::Expected) -> Self {
        Self::Kind(allowed.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, allowed: &dyn de::Expected) -> Self {
        Self::Kind(allowed.to_string())
    }

    fn unknown_variant(found: &str, names: &'static [&'static str]) -> Self {
        Self::Name(names, found.to_owned())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate(field)
    }
}

impl Misread {
    /// Returns the fault of the object or scalar at `path`.
    fn at(self, path: &Path<'_>) -> FieldFault {
        let field = |name: &str| format!("{}/{name}", path.pointer());
        match self {
            Self::At(fault) => fault,
            Self::Missing(name) => {
                FieldFault::new(field(name), "nothing", "a value: the field is required")
            }
            Self::Duplicate(name) => FieldFault::new(field(name), "the field twice", "once"),
            Self::Name(names, found) => FieldFault::of_name(path.pointer(), &found, names),
            Self::Kind(allowed) => FieldFault::new(path.pointer(), "another value", allowed),
        }
    }
}

/// One value of a record.
#[derive(Clone, Copy)]
struct JsonValue<'v, 'de> {
    text: &'de RawValue,
    path: &'v Path<'v>,
    /// Names of the fields of its parent.
    siblings: &'static [&'static str],
    /// Fields found so far that their parents do not have.
    unknown: &'v RefCell<Vec<FieldFault>>,
}

impl<'v, 'de> JsonValue<'v, 'de> {
    /// Describes the value without its content.
    fn kind(&self) -> String {
        match self.text.get().as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<String>(self.text.get()) {
                Ok(text) => text_kind(&text),
                Err(_) => "a text with an invalid escape".to_owned(),
            },
            Some(b'{') => match serde_json::from_str::<Entries<'_>>(self.text.get()) {
                Ok(_) => "an object".to_owned(),
                Err(_) => "an object with an invalid escape in a name".to_owned(),
            },
            Some(b'[') => "an array".to_owned(),
            Some(b'n') => "null".to_owned(),
            Some(b't' | b'f') => "true or false".to_owned(),
            _ => "a number".to_owned(),
        }
    }

    fn fault(&self, allowed: impl Into<String>) -> Misread {
        let pointer = self.path.pointer();
        Misread::At(FieldFault::new(pointer, self.kind(), allowed.into()))
    }

    /// Reads the value as a `T`.
    fn parsed<T: Deserialize<'de>>(&self, allowed: &'static str) -> Result<T, Misread> {
        serde_json::from_str(self.text.get()).map_err(|_| self.fault(allowed))
    }

    /// Adds the place of the value to an error that has none.
    fn placed<T>(&self, read: Result<T, Misread>) -> Result<T, Misread> {
        read.map_err(|error| match error {
            Misread::Kind(allowed) => self.fault(allowed),
            other => Misread::At(other.at(self.path)),
        })
    }

    fn object<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        let Entries(entries) = self.parsed("an object")?;
        let other = entries.iter().map(|(name, _)| name.as_str());
        let others: Vec<String> = other
            .filter(|name| !fields.contains(name))
            .map(str::to_owned)
            .collect();
        let read = visitor.visit_map(Fields {
            parent: self,
            names: fields,
            entries: entries.into_iter(),
            next: None,
        });
        match read {
            // A misspelt field is named, because it resembles the missing one.
            Err(Misread::Missing(name)) => {
                let mut fault = Misread::Missing(name).at(self.path);
                if let Some(misspelt) = others.iter().find(|it| nearest(it, [name]).is_some()) {
                    fault.found = format!("the field {misspelt:?} instead").into();
                    fault.suggestion = Some(name.to_owned());
                }
                Err(Misread::At(fault))
            }
            read => self.placed(read),
        }
    }

    /// Notes a field that its parent does not have.
    fn note_unknown(&self) {
        let is_attribute = self
            .path
            .parent
            .is_some_and(|parent| parent.parent.is_none())
            && self
                .path
                .name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if is_attribute {
            return;
        }
        if self.unknown.borrow().len() >= UNKNOWN_MAX {
            return;
        }
        // Names with other characters may be addresses, numbers or names of persons.
        let name = self.path.name;
        let is_plain = name.len() <= SHOWN_BYTES_MAX
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let shown = if is_plain { name } else { "*" };
        let path = Path {
            name: shown,
            ..*self.path
        };
        let suggestion = nearest(name, self.siblings.iter().copied());
        self.unknown.borrow_mut().push(FieldFault {
            suggestion: suggestion.map(str::to_owned),
            ..FieldFault::new(
                path.pointer(),
                "a field that is not known and is ignored",
                self.siblings.join(", "),
            )
        });
    }
}

impl<'de> Deserializer<'de> for JsonValue<'_, 'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.text.get().as_bytes().first() {
            Some(b'"') => self.deserialize_str(visitor),
            Some(b'{') => self.object(&[], visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'n') => self.placed(visitor.visit_unit()),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            _ => {
                let number = self.parsed("a number")?;
                self.placed(visitor.visit_f64(number))
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let text = self.parsed("a text")?;
        self.placed(visitor.visit_string(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let value = self.parsed("true or false")?;
        self.placed(visitor.visit_bool(value))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let number = self.parsed("a whole number from 0 to 255")?;
        self.placed(visitor.visit_u8(number))
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let number = self.parsed("a whole number from 0 on")?;
        self.placed(visitor.visit_u64(number))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.text.get() {
            "null" => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        let Ok(text) = serde_json::from_str::<String>(self.text.get()) else {
            return Err(self.fault(names.join(", ")));
        };
        self.placed(visitor.visit_enum(StringDeserializer::new(text)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let entries: Vec<&RawValue> = self.parsed("an array")?;
        let read = visitor.visit_seq(Items {
            parent: self,
            index: 0,
            entries: entries.into_iter(),
        });
        self.placed(read)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        self.object(fields, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        // A value of any kind has no known fields.
        if !self.siblings.is_empty() && !self.siblings.contains(&self.path.name) {
            self.note_unknown();
        }
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct map identifier
    }
}

/// Fields of an object in their order, also those that occur twice.
struct Entries<'de>(Vec<(String, &'de RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// Unread fields of an object.
struct Fields<'v, 'de> {
    parent: JsonValue<'v, 'de>,
    names: &'static [&'static str],
    entries: std::vec::IntoIter<(String, &'de RawValue)>,
    next: Option<(String, &'de RawValue)>,
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misread> {
        self.next = self.entries.next();
        let Some((name, _)) = &self.next else {
            return Ok(None);
        };
        seed.deserialize(StringDeserializer::new(name.clone()))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misread> {
        let Some((name, text)) = self.next.take() else {
            return Err(Misread::Kind("a value".to_owned()));
        };
        let path = Path {
            parent: Some(self.parent.path),
            name: &name,
        };
        seed.deserialize(JsonValue {
            text,
            path: &path,
            siblings: self.names,
            unknown: self.parent.unknown,
        })
    }
}

/// Unread entries of an array.
struct Items<'v, 'de> {
    parent: JsonValue<'v, 'de>,
    index: usize,
    entries: std::vec::IntoIter<&'de RawValue>,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misread> {
        let Some(text) = self.entries.next() else {
            return Ok(None);
        };
        let name = self.index.to_string();
        self.index += 1;
        let path = Path {
            parent: Some(self.parent.path),
            name: &name,
        };
        let value = JsonValue {
            text,
            path: &path,
            siblings: &[],
            unknown: self.parent.unknown,
        };
        seed.deserialize(value).map(Some)
    }
}
