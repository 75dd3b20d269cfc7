//! A minimal writer of MaxMind DB files for the tests.
//!
//! Format: <https://maxmind.github.io/MaxMind-DB/>, version 2.0, with a record size of 24 bits.

use std::net::IpAddr;

/// A value of the data section.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(&'static str),
    Short(u16),
    Unsigned(u32),
    Long(u64),
    Number(f64),
    Truth(bool),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

/// A network, its prefix length in bits, and its record.
pub(crate) type Entry = (&'static str, u32, Value);

const SEPARATOR: [u8; 16] = [0; 16];
const METADATA_START: &[u8] = b"\xab\xcd\xefMaxMind.com";

#[derive(Clone, Copy)]
enum Side {
    Empty,
    Node(usize),
    Data(usize),
}

/// Returns the bytes of an IPv6 database, with IPv4 addresses at `::/96`.
pub(crate) fn database(entries: &[Entry]) -> Vec<u8> {
    let mut nodes = vec![[Side::Empty; 2]];
    let mut data = Vec::new();
    for (network, bits, value) in entries {
        let at = data.len();
        write(&mut data, value);
        let (address, bits) = match network.parse().unwrap() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), bits + 96),
            IpAddr::V6(v6) => (v6.to_bits(), *bits),
        };
        insert(&mut nodes, address, bits, at);
    }
    let mut bytes = Vec::new();
    for node in &nodes {
        for side in node {
            let record = match side {
                Side::Empty => nodes.len(),
                Side::Node(node) => *node,
                Side::Data(at) => nodes.len() + SEPARATOR.len() + at,
            };
            bytes.extend_from_slice(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
        }
    }
    bytes.extend_from_slice(&SEPARATOR);
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(METADATA_START);
    let count = u32::try_from(nodes.len()).unwrap();
    write(
        &mut bytes,
        &Value::Map(vec![
            ("binary_format_major_version", Value::Short(2)),
            ("binary_format_minor_version", Value::Short(0)),
            ("build_epoch", Value::Long(1_700_000_000)),
            ("database_type", Value::Text("Affluenza-Test")),
            ("description", Value::Map(vec![("en", Value::Text("test"))])),
            ("ip_version", Value::Short(6)),
            ("languages", Value::List(vec![Value::Text("en")])),
            ("node_count", Value::Unsigned(count)),
            ("record_size", Value::Short(24)),
        ]),
    );
    bytes
}

fn insert(nodes: &mut Vec<[Side; 2]>, address: u128, bits: u32, data: usize) {
    let mut node = 0;
    for depth in 0..bits {
        let bit = usize::from(address >> (127 - depth) & 1 == 1);
        if depth + 1 == bits {
            nodes[node][bit] = Side::Data(data);
        } else if let Side::Node(next) = nodes[node][bit] {
            node = next;
        } else {
            nodes.push([Side::Empty; 2]);
            let next = nodes.len() - 1;
            nodes[node][bit] = Side::Node(next);
            node = next;
        }
    }
}

/// Types: 2 text, 3 double, 5, 6 and 9 unsigned of 16, 32 and 64 bits, 7 map, 11 list, 14 boolean.
fn write(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => {
            control(bytes, 2, text.len());
            bytes.extend_from_slice(text.as_bytes());
        }
        Value::Number(number) => {
            control(bytes, 3, 8);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Value::Short(number) => {
            control(bytes, 5, 2);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Value::Long(number) => {
            control(bytes, 9, 8);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Value::Unsigned(number) => {
            control(bytes, 6, 4);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Value::Map(entries) => {
            control(bytes, 7, entries.len());
            for (key, value) in entries {
                write(bytes, &Value::Text(key));
                write(bytes, value);
            }
        }
        Value::List(values) => {
            control(bytes, 11, values.len());
            values.iter().for_each(|value| write(bytes, value));
        }
        Value::Truth(truth) => control(bytes, 14, usize::from(*truth)),
    }
}

/// Returns the control byte. The upper three bits hold the type, or 0 if the next byte holds the
/// type minus 7. The lower five bits hold the size; from 29 on, one more byte holds the rest.
fn control(bytes: &mut Vec<u8>, kind: u8, size: usize) {
    let (in_byte, more) = if size < 29 {
        (u8::try_from(size).unwrap(), None)
    } else {
        (29, Some(u8::try_from(size - 29).unwrap()))
    };
    if kind < 8 {
        bytes.push(kind << 5 | in_byte);
    } else {
        bytes.push(in_byte);
        bytes.push(kind - 7);
    }
    bytes.extend(more);
}
