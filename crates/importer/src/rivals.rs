//! The client, where another field next to it may be an address, too.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

use crate::clients::{is_address, is_inner, without_port};
use crate::form::{FieldRole, LogRecord};

/// Largest number of values that are told apart.
const VALUES_MAX: usize = 20_000;

/// Counts of two fields over the lines that have both.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientRivals {
    lines: u64,
    client: FieldCount,
    rival: FieldCount,
}

#[derive(Debug, Clone, Default)]
struct FieldCount {
    addresses: u64,
    /// Addresses that a visitor from the Internet can have.
    public: u64,
    /// Texts like a name on the Internet, which has a dot.
    dotted: u64,
    /// Hashes of the values, without ports.
    values: HashSet<u64>,
}

/// The field that names the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RivalVerdict {
    /// The field that the form takes for the client.
    Client { has_inner_rival: bool },
    /// The field next to it.
    Rival { has_inner_rival: bool },
    /// Either may be.
    Unclear,
}

impl RivalVerdict {
    const fn of_client(has_inner_rival: bool) -> Self {
        Self::Client { has_inner_rival }
    }

    const fn of_rival(has_inner_rival: bool) -> Self {
        Self::Rival { has_inner_rival }
    }
}

impl FieldCount {
    fn count(&mut self, text: &[u8]) {
        let is_address = is_address(text);
        self.addresses += u64::from(is_address);
        self.public += u64::from(is_address && !is_inner(text));
        self.dotted += u64::from(is_address || text.contains(&b'.'));
        if self.values.len() < VALUES_MAX {
            self.values.insert(xxh3_64(without_port(text)));
        }
    }

    /// True if the field has one value where `other` has several, as the name of a server has.
    fn is_one_beside(&self, other: &Self) -> bool {
        self.values.len() == 1 && other.values.len() > 1
    }
}

impl ClientRivals {
    pub(crate) fn count(&mut self, record: &LogRecord<'_>, rival: FieldRole) {
        let (Some(client), Some(rival)) = (record.get(FieldRole::Client), record.get(rival)) else {
            return;
        };
        if client == b"-" || rival == b"-" {
            return;
        }
        self.lines += 1;
        self.client.count(client);
        self.rival.count(rival);
    }

    /// Decides by all lines: visitors are many and on the Internet, and a server has one address.
    /// `rival` is the role of the field next to the client.
    pub(crate) fn verdict(&self, rival: FieldRole) -> RivalVerdict {
        let (client, beside) = (&self.client, &self.rival);
        match (
            client.addresses == self.lines,
            beside.addresses == self.lines,
        ) {
            _ if beside.addresses == 0 => RivalVerdict::of_client(false),
            (true, false) => RivalVerdict::of_client(false),
            // Visitors whose names were looked up, and the address of the server.
            (false, true) if beside.is_one_beside(client) && client.dotted == self.lines => {
                RivalVerdict::of_client(false)
            }
            (false, true) => RivalVerdict::of_rival(false),
            (true, true) if client.public > 0 && beside.public == 0 => {
                RivalVerdict::of_client(true)
            }
            (true, true) if beside.public > 0 && client.public == 0 => RivalVerdict::of_rival(true),
            (false, false)
                if beside.addresses < client.addresses || beside.addresses * 10 < self.lines =>
            {
                RivalVerdict::of_client(false)
            }
            _ if beside.is_one_beside(client) => RivalVerdict::of_client(false),
            _ if client.is_one_beside(beside) => RivalVerdict::of_rival(false),
            // A virtual host may be an address.
            (true, true) if rival == FieldRole::Host && self.has_one_pair() => {
                RivalVerdict::of_client(false)
            }
            _ => RivalVerdict::Unclear,
        }
    }

    fn has_one_pair(&self) -> bool {
        self.client.values.len() == 1 && self.rival.values.len() == 1
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::time::LogClock;

    fn verdict(lines: &[[&str; 2]]) -> RivalVerdict {
        let mut rivals = ClientRivals::default();
        for [host, client] in lines {
            let mut record = LogRecord::default();
            for (role, text) in [(FieldRole::Host, host), (FieldRole::Client, client)] {
                let text = Cow::Borrowed(text.as_bytes());
                record.put(role, text, &LogClock::default()).unwrap();
            }
            rivals.count(&record, FieldRole::Host);
        }
        rivals.verdict(FieldRole::Host)
    }

    #[test]
    fn the_field_that_is_a_public_address_is_the_client() {
        let client = |has_inner_rival| RivalVerdict::Client { has_inner_rival };
        let rival = |has_inner_rival| RivalVerdict::Rival { has_inner_rival };
        let (a, b) = ("203.0.113.7", "198.51.100.9");
        for (lines, expected) in [
            (vec![["www.example.it", a]], client(false)),
            (vec![["www.example.it", "pc1.example"]], client(false)),
            // A program sent an address in place of the host name.
            (vec![["www.example.it", a], [b, a]], client(false)),
            (vec![["-", a], ["-", b]], client(false)),
            (vec![[a, "IT"], [b, "DE"]], rival(false)),
            (vec![[a, "www.example.it"], [b, "192.0.2.1"]], rival(false)),
            (
                vec![["10.0.0.5", a], ["10.0.0.5", "10.1.2.3"]],
                client(true),
            ),
            (
                vec![["192.0.2.1:443", a], ["[2001:db8::1]:80", b]],
                client(true),
            ),
            (vec![[a, "10.0.0.9"], ["10.1.2.3", "10.0.1.9"]], rival(true)),
            (vec![["-", "10.0.0.9"], [a, "10.0.0.9:8080"]], rival(true)),
            // A virtual host may be an address, with or without a port.
            (vec![[a, b]], client(false)),
            (vec![["10.0.0.9", "10.1.2.3"]], client(false)),
            (vec![[a, b], [a, "192.0.2.1"]], client(false)),
            (
                vec![["192.0.2.10:8443", a], ["192.0.2.10:8443", b]],
                client(false),
            ),
            (
                vec![["10.0.0.5", "10.1.2.3"], ["10.0.0.5", "10.1.2.4"]],
                client(false),
            ),
            // The names of the visitors were looked up.
            (
                vec![["192.0.2.10:443", "pc1.tim.example"], ["192.0.2.10:443", b]],
                client(false),
            ),
            // One visitor, and the scheme next to the address.
            (vec![[a, "http"], [a, "https"]], rival(false)),
            // The balancer, and the forwarded addresses of visitors.
            (vec![[a, "192.0.2.1"], [b, "192.0.2.1"]], rival(false)),
            (
                vec![[a, "192.0.2.1"], [b, "192.0.2.2"]],
                RivalVerdict::Unclear,
            ),
            (
                vec![[a, "10.0.0.9"], ["10.0.0.9", b]],
                RivalVerdict::Unclear,
            ),
            (vec![[a, "pc1"], ["pc2", "pc3"]], RivalVerdict::Unclear),
        ] {
            assert_eq!(verdict(&lines), expected, "{lines:?}");
        }
        let mut names = vec![["www.example.it", "pc1.example"]; 10];
        names.push([b, "pc2.example"]);
        assert_eq!(verdict(&names), client(false));
    }
}
