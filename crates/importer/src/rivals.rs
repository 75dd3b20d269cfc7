//! The client, where another field beside it may be an address, too.

use crate::clients::{is_address, is_inner};
use crate::form::{FieldRole, LogRecord};

/// Counts of two fields over the lines that have both.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClientRivals {
    lines: u64,
    client: AddressCount,
    rival: AddressCount,
}

#[derive(Debug, Clone, Copy, Default)]
struct AddressCount {
    all: u64,
    /// Addresses that a visitor from the Internet can have.
    public: u64,
}

/// The field that names the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RivalVerdict {
    /// The field that the form takes for the client.
    Client { has_inner_rival: bool },
    /// The field beside it.
    Rival { has_inner_rival: bool },
    /// Either may be.
    Unclear,
}

impl AddressCount {
    fn count(&mut self, text: &[u8]) {
        self.all += u64::from(is_address(text));
        self.public += u64::from(is_address(text) && !is_inner(text));
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

    /// Decides by all lines: a virtual host is an address in the requests of some programs only.
    pub(crate) fn verdict(&self) -> RivalVerdict {
        let (client, rival) = (self.client, self.rival);
        let is_always = |count: AddressCount| count.all == self.lines;
        match (is_always(client), is_always(rival)) {
            _ if rival.all == 0 => RivalVerdict::Client {
                has_inner_rival: false,
            },
            (true, false) => RivalVerdict::Client {
                has_inner_rival: false,
            },
            (false, true) => RivalVerdict::Rival {
                has_inner_rival: false,
            },
            (true, true) if client.public > 0 && rival.public == 0 => RivalVerdict::Client {
                has_inner_rival: true,
            },
            (true, true) if rival.public > 0 && client.public == 0 => RivalVerdict::Rival {
                has_inner_rival: true,
            },
            (false, false) if rival.all < client.all => RivalVerdict::Client {
                has_inner_rival: false,
            },
            _ => RivalVerdict::Unclear,
        }
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
        rivals.verdict()
    }

    #[test]
    fn the_field_that_is_a_public_address_is_the_client() {
        let client = |has_inner_rival| RivalVerdict::Client { has_inner_rival };
        let rival = |has_inner_rival| RivalVerdict::Rival { has_inner_rival };
        let (a, b) = ("203.0.113.7", "198.51.100.9");
        for (lines, expected) in [
            (vec![["www.example.it", a]], client(false)),
            (vec![["www.example.it", "pc1.example"]], client(false)),
            // A program asked for an address instead of a name.
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
            (vec![[a, b]], RivalVerdict::Unclear),
            (vec![["10.0.0.9", "10.1.2.3"]], RivalVerdict::Unclear),
            (
                vec![[a, "10.0.0.9"], ["10.0.0.9", b]],
                RivalVerdict::Unclear,
            ),
            (vec![[a, "pc1"], ["pc2", "pc3"]], RivalVerdict::Unclear),
        ] {
            assert_eq!(verdict(&lines), expected, "{lines:?}");
        }
    }
}
