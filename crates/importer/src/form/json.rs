//! Forms of JSON: fields by the names of members.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use strum::EnumCount as _;

use super::role::{FieldRole, LogRecord};
use super::text::Misfit;
use crate::fault::LineFault;
use crate::time::LogClock;

/// A form of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonForm {
    root: JsonMember,
    /// True if every line has the user agent that its request had.
    pub(crate) always_has_agent: bool,
    /// Roles without which a line is no request.
    needs: Vec<FieldRole>,
}

/// A member of an object, and what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct JsonMember {
    name: String,
    field: Option<MemberPlace>,
    /// Members, by the length of their names.
    members: Vec<JsonMember>,
}

/// Role of a member, and its rank among the members for this role, from 0 for the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MemberPlace {
    role: FieldRole,
    rank: usize,
}

impl JsonForm {
    pub(crate) fn new(
        roles: &BTreeMap<FieldRole, Vec<String>>,
        always_has_agent: bool,
        needs: Vec<FieldRole>,
    ) -> Self {
        let mut root = JsonMember::default();
        for (role, paths) in roles {
            for (rank, path) in paths.iter().enumerate() {
                root.at(path).field = Some(MemberPlace { role: *role, rank });
            }
        }
        Self {
            root,
            always_has_agent,
            needs,
        }
    }

    pub(crate) fn read<'a>(
        &self,
        line: &'a [u8],
        clock: &LogClock,
    ) -> Result<LogRecord<'a>, Misfit> {
        if !line.starts_with(b"{") {
            let fault = LineFault::NotJson;
            return Err(Misfit { at: 0, fault });
        }
        self.read_object(line, clock)
            .map_err(|fault| Misfit { at: 1, fault })
    }

    fn read_object<'a>(
        &self,
        line: &'a [u8],
        clock: &LogClock,
    ) -> Result<LogRecord<'a>, LineFault> {
        let mut values = Values(Vec::with_capacity(FieldRole::COUNT));
        let mut json = serde_json::Deserializer::from_slice(line);
        Filling {
            member: &self.root,
            values: &mut values,
        }
        .deserialize(&mut json)
        .map_err(|_| LineFault::NotJson)?;
        let mut record = LogRecord::default();
        for value in values.0 {
            record.put(value.place.role, value.text, clock)?;
        }
        record.check()?;
        let mut needs = self.needs.iter();
        match needs.find(|role| record.get(**role).is_none()) {
            Some(role) => Err(LineFault::Missing(*role)),
            None => Ok(record),
        }
    }
}

/// A text member of a JSON object.
#[derive(Debug, Clone)]
pub(crate) struct TextMember(JsonMember);

impl TextMember {
    pub(crate) fn new(name: &str) -> Self {
        let mut object = JsonMember::default();
        object.at(name).field = Some(MemberPlace {
            role: FieldRole::Skipped,
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

impl JsonMember {
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
struct Values<'a>(Vec<MemberValue<'a>>);

struct MemberValue<'a> {
    place: MemberPlace,
    text: Cow<'a, [u8]>,
}

impl<'a> Values<'a> {
    fn put(&mut self, place: MemberPlace, text: Cow<'a, [u8]>) {
        let found = self.0.iter_mut();
        match found
            .into_iter()
            .find(|value| value.place.role == place.role)
        {
            // An empty value leaves the next best member to decide.
            Some(value) if place.rank < value.place.rank && !text.is_empty() => {
                *value = MemberValue { place, text };
            }
            Some(value) if value.text.is_empty() => *value = MemberValue { place, text },
            Some(_) => {}
            None => self.0.push(MemberValue { place, text }),
        }
    }
}

/// Reads a JSON value into the fields of a member.
struct Filling<'m, 'v, 'a> {
    member: &'m JsonMember,
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
        let role = self.member.field.map(|place| place.role);
        if role == Some(FieldRole::Forwarded) {
            let mut list = Vec::new();
            while let Some(Value::String(header)) = items.next_element()? {
                list.push(header);
            }
            while items.next_element::<IgnoredAny>()?.is_some() {}
            self.put(Cow::Owned(list.join(",").into_bytes()));
            return Ok(());
        }
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
            .is_some_and(|place| place.role == FieldRole::Agent)
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
