//! Truncation of IP addresses to their network, before anything is stored.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Parses and truncates the address in `text` as [`truncate`] does. Returns `None` for a host name
/// or an empty text. Removes a port, brackets and the name of an interface.
#[must_use]
pub fn truncated(text: &str) -> Option<IpAddr> {
    // `1.2.3.4,` starts a list of forwarded addresses; `fe80::1%eth0` names an interface.
    let text = text.trim_end_matches(',');
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()?;
    Some(truncate(address))
}

/// Returns the network of an address: IPv4 /24 or IPv6 /48, the remaining bits zero. An IPv4
/// address inside an IPv6 address (mapped or 6to4) becomes a truncated IPv4 address.
#[must_use]
pub fn truncate(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => truncate_v4(v4.octets()),
        IpAddr::V6(v6) => match v6.segments() {
            // 6to4 contains the complete IPv4 address of the subscriber in its first 48 bits.
            [0x2002, high, low, ..] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                truncate_v4([a, b, c, d])
            }
            [a, b, c, ..] => Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into(),
        },
    }
}

fn truncate_v4([a, b, c, _]: [u8; 4]) -> IpAddr {
    Ipv4Addr::new(a, b, c, 0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(host: &str) -> String {
        truncated(host).map_or_else(|| "-".to_owned(), |address| address.to_string())
    }

    #[test]
    fn addresses_lose_what_tells_a_person() {
        assert_eq!(shown("203.0.113.77"), "203.0.113.0");
        assert_eq!(shown("203.0.113.77:51234"), "203.0.113.0");
        assert_eq!(shown("203.0.113.77,"), "203.0.113.0");
        assert_eq!(shown("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_eq!(shown("[2001:db8:1:2:3:4:5:6]:443"), "2001:db8:1::");
        assert_eq!(shown("[2001:db8:1:2::6]"), "2001:db8:1::");
        assert_eq!(shown("fe80::1:2%eth0"), "fe80::");
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_truncated_as_such() {
        assert_eq!(shown("::ffff:203.0.113.77"), "203.0.113.0");
        assert_eq!(shown("2002:cb00:714d::1"), "203.0.113.0");
    }

    #[test]
    fn names_are_no_addresses() {
        for host in [
            "-",
            "",
            "localhost",
            "host-203-0-113-77.example.net",
            "1.2.3",
        ] {
            assert_eq!(shown(host), "-", "{host}");
        }
    }
}
