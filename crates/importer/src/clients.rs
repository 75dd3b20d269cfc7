//! The client of a request, behind proxies or not, and the search for a log that names only one.

use std::collections::HashMap;
use std::fmt;
use std::net::{AddrParseError, IpAddr};

use ipnet::IpNet;
use xxhash_rust::xxh3::xxh3_64;

use crate::form::{FieldRole, LogRecord};

/// Number of lines from which nearly all with one client are suspicious.
const MANY_LINES: u64 = 1_000;
/// Percentage that counts as nearly all.
const NEARLY_ALL_PERCENT: u64 = 95;
/// Number of lines from which all with one private address are suspicious.
const PRIVATE_LINES_MIN: u64 = 2;
/// Maximum number of private addresses that may all be of a balancer.
const BALANCERS_MAX: u64 = 4;
/// Number of lines that are examined.
const LINES_MAX: u64 = 20_000;

/// The field that names the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientField {
    /// The peer of the connection, which the web server saw.
    #[default]
    Peer,
    /// The addresses that proxies forwarded, such as `X-Forwarded-For`.
    Forwarded,
}

/// The choice of the client among the addresses of a line.
#[derive(Debug, Clone, Default)]
pub struct ClientChoice {
    /// Field that names the client.
    pub field: ClientField,
    /// Proxies whose forwarded addresses are trusted. Empty: every peer is, and the first public
    /// address of a list is the client.
    pub trusted: Vec<IpNet>,
}

impl ClientChoice {
    /// Returns the client of a line, without the port of its connection.
    pub(crate) fn client<'r>(&self, record: &'r LogRecord<'_>) -> Option<&'r [u8]> {
        let peer = record.get(FieldRole::Client).map(without_port);
        let forwarded = record.get(FieldRole::Forwarded);
        let client = match (self.field, peer) {
            (ClientField::Peer, Some(_)) => peer,
            (_, None) => self.forwarded(forwarded),
            (ClientField::Forwarded, Some(peer)) => {
                let is_trusted = self.trusted.is_empty() || self.trusts(peer);
                let forwarded = forwarded.filter(|_| is_trusted);
                self.forwarded(forwarded).or(Some(peer))
            }
        };
        client.filter(|client| !matches!(*client, b"-" | b""))
    }

    fn forwarded<'r>(&self, list: Option<&'r [u8]>) -> Option<&'r [u8]> {
        let mut clients = addresses(list?);
        if !self.trusted.is_empty() {
            return clients.rfind(|client| !self.trusts(client));
        }
        let first = clients.clone().next();
        clients
            .find(|client| address(client).is_some_and(|address| !is_private(address)))
            .or(first)
    }

    fn trusts(&self, client: &[u8]) -> bool {
        let Some(address) = address(client) else {
            return false;
        };
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// Parses a network or a single address: `10.0.0.0/8`, `192.0.2.1`.
pub fn network(text: &str) -> Result<IpNet, AddrParseError> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
}

/// Returns the addresses of a list, without other texts, which clients may send.
fn addresses(list: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
    let items = list.split(|byte| *byte == b',').filter_map(list_item);
    items.filter(|item| address(item).is_some())
}

/// True if the line names an address that a proxy forwarded.
pub(crate) fn has_forwarded(record: &LogRecord<'_>) -> bool {
    let list = record.get(FieldRole::Forwarded);
    list.is_some_and(|list| addresses(list).next().is_some())
}

/// Returns an item of a list of forwarded addresses; `None` if a proxy hid it.
fn list_item(item: &[u8]) -> Option<&[u8]> {
    // IIS writes a blank as a plus sign.
    let item = item.strip_prefix(b"+").unwrap_or(item);
    let item = without_port(item.trim_ascii());
    (!matches!(item, b"" | b"-" | b"unknown")).then_some(item)
}

/// True for a list of addresses, and for an absent one.
pub(crate) fn is_list(value: &[u8]) -> bool {
    let mut items = value.split(|byte| *byte == b',').filter_map(list_item);
    items.all(|item| address(item).is_some())
}

/// Removes port and brackets: `203.0.113.7:51000`, `[2001:db8::1]:443`, `host.example:80`. HAProxy
/// writes no brackets: `2001:db8::1:51000`, whose last part is too long for an address.
pub(crate) fn without_port(client: &[u8]) -> &[u8] {
    if let Some(inside) = client.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inside);
        return &inside[..end.unwrap_or(inside.len())];
    }
    let Some(colon) = memchr::memrchr(b':', client) else {
        return client;
    };
    let (host, port) = (&client[..colon], &client[colon + 1..]);
    let is_port = port.iter().all(u8::is_ascii_digit);
    if is_port && (!host.contains(&b':') || port.len() > 4) {
        host
    } else {
        client
    }
}

/// True for an address, with or without a port.
pub(crate) fn is_address(text: &[u8]) -> bool {
    address(without_port(text)).is_some()
}

/// True for an address or a host name, with or without a port. A time, a size or a text of another
/// form is neither.
pub(crate) fn is_client(text: &[u8]) -> bool {
    let client = without_port(text);
    address(client).is_some() || is_word(client) && client.iter().any(u8::is_ascii_alphabetic)
}

/// True for letters, digits and what else host names have.
pub(crate) fn is_word(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty() && text.iter().all(is_part)
}

/// Parses a complete address. The name of an interface is removed: `fe80::1%eth0`.
fn address(client: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(client).ok()?;
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// True for a private address, and for the socket that nginx names `unix:`.
fn is_local(client: &[u8]) -> bool {
    client == b"unix" || address(client).is_some_and(is_private)
}

/// True for an address that is not of the Internet: of a local network, a machine or a link.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // 100.64.0.0/10 is shared by the customers of a provider, and by cluster networks.
            let is_shared = v4.octets()[0] == 100 && v4.octets()[1] & 0b1100_0000 == 64;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// True for an address that no visitor from the Internet has: a private one, and one with a port of
/// the system, which is of a server.
pub(crate) fn is_inner(text: &[u8]) -> bool {
    let client = without_port(text);
    let port = memchr::memrchr(b':', text).map_or(&b""[..], |colon| &text[colon + 1..]);
    let has_system_port = client.len() < text.len()
        && (1..4).contains(&port.len())
        && port.iter().all(u8::is_ascii_digit);
    has_system_port || address(client).is_some_and(is_private)
}

/// Counts clients at the beginning of a log, to find one that names its balancer instead.
#[derive(Debug, Default)]
pub(crate) struct ClientCheck {
    lines: u64,
    private: u64,
    forwarded: bool,
    /// True if forwarded addresses are not used.
    ignores_forwarded: bool,
    clients: HashMap<u64, u64>,
}

impl ClientCheck {
    pub(crate) fn count(&mut self, choice: &ClientChoice, record: &LogRecord<'_>) {
        if self.lines >= LINES_MAX {
            return;
        }
        self.lines += 1;
        self.forwarded |= has_forwarded(record);
        self.ignores_forwarded = choice.field == ClientField::Peer;
        // A line without a client has no visitor, and counts none.
        if let Some(client) = choice.client(record) {
            *self.clients.entry(xxh3_64(client)).or_default() += 1;
            self.private += u64::from(is_local(client));
        }
    }

    /// Counts a line of a log that is followed. Returns the finding after every [`MANY_LINES`]: fewer
    /// lines may all be of a probe, and no one knows how many follow.
    pub(crate) fn count_followed(
        &mut self,
        choice: &ClientChoice,
        record: &LogRecord<'_>,
    ) -> Option<SingleClient> {
        let before = self.lines;
        self.count(choice, record);
        let is_due = self.lines > before && self.lines.is_multiple_of(MANY_LINES);
        if is_due { self.finding() } else { None }
    }

    /// True if the lines are so many that they have several clients.
    pub(crate) const fn is_long(&self) -> bool {
        self.lines >= MANY_LINES
    }

    /// Adds the counts of another log.
    pub(crate) fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.private += other.private;
        self.forwarded |= other.forwarded;
        self.ignores_forwarded |= other.ignores_forwarded;
        for (client, lines) in other.clients {
            *self.clients.entry(client).or_default() += lines;
        }
    }

    /// Returns the finding if the lines have a single client where a log has many.
    pub(crate) fn finding(&self) -> Option<SingleClient> {
        let most = self.clients.values().copied().max().unwrap_or_default();
        let nearly_all = self.lines >= MANY_LINES && most * 100 >= self.lines * NEARLY_ALL_PERCENT;
        let clients = self.clients.len() as u64;
        // A few clients of a short log may be those of a local network.
        let is_few = clients <= 1 || clients <= BALANCERS_MAX && self.lines >= MANY_LINES;
        let all_private = self.lines >= PRIVATE_LINES_MIN
            && self.private == self.lines
            && (is_few || self.forwarded && self.ignores_forwarded);
        (nearly_all || all_private).then_some(SingleClient {
            lines: self.lines,
            clients,
            of_client: most,
            is_private: all_private,
            has_forwarded: self.forwarded,
        })
    }
}

/// A log that names one client, or a few private ones, where it should name many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SingleClient {
    lines: u64,
    clients: u64,
    of_client: u64,
    is_private: bool,
    has_forwarded: bool,
}

impl fmt::Display for SingleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lines,
            clients,
            of_client,
            ..
        } = self;
        if self.is_private && *clients > 1 {
            write!(
                f,
                "the first {lines} lines have {clients} clients, all of them private addresses, \
                 which may be of a balancer. "
            )?;
        } else {
            write!(f, "{of_client} of the first {lines} lines have one client")?;
            if self.is_private {
                f.write_str(", a private address or a socket")?;
            }
            f.write_str(", so all visitors would be one. ")?;
        }
        f.write_str(if self.has_forwarded {
            "The lines have forwarded addresses: use --client forwarded. "
        } else {
            "Behind a balancer, the log needs the forwarded address: add X-Forwarded-For to its format. "
        })?;
        f.write_str("If these are the clients of the portal, use --single-client")
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::time::LogClock;

    fn client(choice: &ClientChoice, peer: &str, forwarded: &str) -> String {
        let mut record = LogRecord::default();
        let clock = LogClock::default();
        record
            .put(FieldRole::Client, Cow::Borrowed(peer.as_bytes()), &clock)
            .unwrap();
        record
            .put(
                FieldRole::Forwarded,
                Cow::Borrowed(forwarded.as_bytes()),
                &clock,
            )
            .unwrap();
        let client = choice.client(&record).unwrap_or(b"none");
        String::from_utf8(client.to_vec()).unwrap()
    }

    #[test]
    fn a_port_is_no_part_of_a_client() {
        let peer = ClientChoice::default();
        for (text, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:51000", "203.0.113.7"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:db8::1:51000", "2001:db8::1"),
            ("pc1.rete.example:80", "pc1.rete.example"),
            ("-", "none"),
        ] {
            assert_eq!(client(&peer, text, "198.51.100.1"), expected, "{text}");
        }
    }

    #[test]
    fn forwarded_addresses_count_if_their_proxy_is_trusted() {
        let any = ClientChoice {
            field: ClientField::Forwarded,
            trusted: Vec::new(),
        };
        let listed = ClientChoice {
            trusted: vec![
                "10.0.0.0/8".parse().unwrap(),
                "192.0.2.9/32".parse().unwrap(),
            ],
            ..any.clone()
        };
        for (peer, list, by_any, by_listed) in [
            ("10.0.0.1", "203.0.113.7", "203.0.113.7", "203.0.113.7"),
            ("10.0.0.1", "-", "10.0.0.1", "10.0.0.1"),
            (
                "10.0.0.1",
                "unknown, 203.0.113.7",
                "203.0.113.7",
                "203.0.113.7",
            ),
            (
                "10.0.0.1",
                "192.168.0.4, 203.0.113.7:99",
                "203.0.113.7",
                "203.0.113.7",
            ),
            ("10.0.0.1", "192.168.0.4", "192.168.0.4", "192.168.0.4"),
            (
                "10.0.0.1",
                "198.51.100.1, 203.0.113.7, 192.0.2.9",
                "198.51.100.1",
                "203.0.113.7",
            ),
            (
                "10.0.0.1",
                "203.0.113.7,+198.51.100.23",
                "203.0.113.7",
                "198.51.100.23",
            ),
            // The peer is no proxy: it invented the list.
            ("203.0.113.8", "198.51.100.1", "198.51.100.1", "203.0.113.8"),
        ] {
            assert_eq!(client(&any, peer, list), by_any, "{peer} {list}");
            assert_eq!(client(&listed, peer, list), by_listed, "{peer} {list}");
        }
    }
}
