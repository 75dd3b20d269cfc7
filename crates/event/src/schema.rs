//! Documents of the contract: a JSON Schema for each type and version, and an AsyncAPI document.
//!
//! The documents are generated from the types that read the events. A test compares them with the
//! files in `schemas/`.

mod asyncapi;
mod corpus;
mod documents;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident => $schema:tt;)+) => {
        $(
            $(#[$meta])*
            pub(crate) struct $name;

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )+
    };
}

texts! {
    /// A code of an ente, portal or service.
    Code => { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" };
    /// An opaque token.
    Token => { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" };
    /// `source` and `id`: 1 to 512 bytes. A schema can only count characters.
    Identifier => { "type": "string", "minLength": 1, "maxLength": 512 };
    /// RFC 3339 with an offset.
    Time => { "type": "string", "format": "date-time" };
    /// An optional attribute; an invalid value counts as absent.
    Extension => true;
    /// IPv4 /24 or IPv6 /48. A schema cannot express that an IPv6 address is truncated.
    TruncatedAddress => {
        "type": "string",
        "anyOf": [
            { "const": "" },
            { "pattern": "^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\\.){3}0$" },
            { "format": "ipv6" }
        ]
    };
    /// ISO 3166-1.
    Country => { "type": "string", "pattern": "^[A-Z0-9-]{0,2}$" };
    /// ISO 3166-2.
    Region => { "type": "string", "pattern": "^[A-Z0-9-]{0,6}$" };
}
