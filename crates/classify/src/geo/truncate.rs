//! Truncation of IP addresses to the part that may be stored.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Leading bits of an IPv4 address that are kept.
const IPV4_BITS: u32 = 24;
/// Leading bits of an IPv6 address that are kept.
const IPV6_BITS: u32 = 48;

/// Sets the host part of an address to zero. Keeps the first 24 bits of IPv4 and 48 of IPv6.
///
/// An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) becomes a plain, truncated IPv4 address, because
/// its first 48 bits are always zero.
#[must_use]
pub fn truncate_ip(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let mask = u32::MAX << (32 - IPV4_BITS);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX << (128 - IPV6_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

/// True if [`truncate_ip`] would not change the address.
#[must_use]
pub fn is_truncated(address: IpAddr) -> bool {
    truncate_ip(address) == address
}

/// True if the address has no geographic location: private, loopback, link-local, shared by a
/// carrier (100.64.0.0/10), multicast, broadcast or unspecified.
#[must_use]
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_host_part_goes() {
        for (full, kept) in [
            ("151.38.12.201", "151.38.12.0"),
            ("255.255.255.255", "255.255.255.0"),
            ("2a01:e11:5007:ef10:1:2:3:4", "2a01:e11:5007::"),
            ("::ffff:151.38.12.201", "151.38.12.0"),
            ("::1", "::"),
        ] {
            assert_eq!(truncate_ip(ip(full)), ip(kept));
            assert!(!is_truncated(ip(full)), "{full}");
            assert!(is_truncated(ip(kept)), "{kept}");
        }
    }

    #[test]
    fn local_addresses_are_known() {
        for address in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_local(ip(address)), "{address}");
        }
        for address in [
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "2001:4860::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_local(ip(address)), "{address}");
        }
    }
}
