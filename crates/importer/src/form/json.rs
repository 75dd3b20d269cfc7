//! Forms of JSON: fields by the names of members.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use strum::EnumCount as _;

use super::role::{Record, Role};
use super::text::Misfit;
use crate::fault::LineFault;
use crate::time::Clock;

/// A form of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonForm {
    root: Member,
    /// True if every line has the user agent that its request had.
    pub(crate) always_has_agent: bool,
}

/// A member of an object, and what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Member {
    name: String,
    field: Option<Place>,
    /// Members, by the length of their names.
    members: Vec<Member>,
}

/// Role of a member, and its rank among the members for this role, from 0 for the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    role: Role,
    rank: usize,
}

impl JsonForm {
    pub(crate) fn new(roles: &BTreeMap<Role, Vec<String>>, always_has_agent: bool) -> Self {
        let mut root = Member::default();
        for (role, paths) in roles {
            for (rank, path) in paths.iter().enumerate() {
                root.at(path).field = Some(Place { role: *role, rank });
            }
        }
        Self {
            root,
            always_has_agent,
        }
    }

    pub(crate) fn read<'a>(&self, line: &'a [u8], clock: &Clock) -> Result<Record<'a>, Misfit> {
        let misfit = |fault| Misfit {
            at: usize::from(line.starts_with(b"{")),
            fault,
        };
        if !line.starts_with(b"{") {
            return Err(misfit(LineFault::NotJson));
        }
        let mut values = Values(Vec::with_capacity(Role::COUNT));
        let mut json = serde_json::Deserializer::from_slice(line);
        Filling {
            member: &self.root,
            values: &mut values,
        }
        .deserialize(&mut json)
        .map_err(|_| misfit(LineFault::NotJson))?;
        let mut record = Record::default();
        for value in values.0 {
            record
                .put(value.place.role, value.text, clock)
                .map_err(misfit)?;
        }
        record.check().map_err(misfit)?;
        Ok(record)
    }
}

/// A text member of a JSON object.
#[derive(Debug, Clone)]
pub(crate) struct TextMember(Member);

impl TextMember {
    pub(crate) fn new(name: &str) -> Self {
        let mut object = Member::default();
        object.at(name).field = Some(Place {
            role: Role::Skipped,
            rank: 0,
        });
        Self(object)
    }

    /// Reads the member.
    pub(crate) fn of<'a>(&self, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        if !line.starts_with(b"{") {
            return None;
        }
        let mut values = Values::default();
        Filling {
            member: &self.0,
            values: &mut values,
        }
        .deserialize(&mut serde_json::Deserializer::from_slice(line))
        .ok()?;
        values.0.pop().map(|value| value.text)
    }
}

impl Member {
    /// Returns the member at `path`, and adds what is missing.
    fn at(&mut self, path: &str) -> &mut Self {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let known = self.members.iter().position(|member| member.name == name);
        let place = known.unwrap_or_else(|| {
            let place = self.first_of_length(name.len());
            let member = Self {
                name: name.to_owned(),
                ..Self::default()
            };
            self.members.insert(place, member);
            place
        });
        match rest {
            "" => &mut self.members[place],
            rest => self.members[place].at(rest),
        }
    }

    /// Names ignore case, as names of headers do.
    fn named(&self, name: &str) -> Option<&Self> {
        let members = self.members[self.first_of_length(name.len())..].iter();
        let mut as_long = members.take_while(|member| member.name.len() == name.len());
        as_long.find(|member| member.name.eq_ignore_ascii_case(name))
    }

    /// Returns the place of the first member whose name has at least `bytes`.
    fn first_of_length(&self, bytes: usize) -> usize {
        self.members
            .partition_point(|member| member.name.len() < bytes)
    }
}

/// Values that were found, one for each role.
#[derive(Default)]
struct Values<'a>(Vec<Value<'a>>);

struct Value<'a> {
    place: Place,
    text: Cow<'a, [u8]>,
}

impl<'a> Values<'a> {
    fn put(&mut self, place: Place, text: Cow<'a, [u8]>) {
        let found = self.0.iter_mut();
        match found
            .into_iter()
            .find(|value| value.place.role == place.role)
        {
            // An empty value leaves the next best member to decide.
            Some(value) if place.rank < value.place.rank && !text.is_empty() => {
                *value = Value { place, text };
            }
            Some(value) if value.text.is_empty() => *value = Value { place, text },
            Some(_) => {}
            None => self.0.push(Value { place, text }),
        }
    }
}

/// Reads a JSON value into the fields of a member.
struct Filling<'m, 'v, 'a> {
    member: &'m Member,
    values: &'v mut Values<'a>,
}

impl<'a> Filling<'_, '_, 'a> {
    fn put(self, text: Cow<'a, [u8]>) {
        if let Some(place) = self.member.field {
            self.values.put(place, text);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Filling<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Filling<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            match self.member.named(&name) {
                Some(member) => map.next_value_seed(Filling {
                    member,
                    values: &mut *self.values,
                })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        items.next_element_seed(Filling {
            member: self.member,
            values: &mut *self.values,
        })?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.put(Cow::Borrowed(text.as_bytes()));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(Cow::Owned(text.as_bytes().to_vec()));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.put(Cow::Owned(number.to_string().into_bytes()));
        Ok(())
    }

    fn visit_i64<E>(self, _negative: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.put(Cow::Owned(number.to_string().into_bytes()));
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    /// A null is an absent value, except for an absent user agent.
    fn visit_unit<E>(self) -> Result<(), E> {
        if self
            .member
            .field
            .is_some_and(|place| place.role == Role::Agent)
        {
            self.put(Cow::Borrowed(b""));
        }
        Ok(())
    }
}

/// Reads the name of a member without a copy, if it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
