//! Removal of IP addresses from user agents.

use std::borrow::Cow;

/// Replaces the client's own `address` in a user agent with its `truncated` form. Some apps and
/// proxies add the address to the user agent.
#[must_use]
pub fn without_address<'a>(agent: Cow<'a, str>, address: &str, truncated: &str) -> Cow<'a, str> {
    // For IPv4 the search text is the network, such as `203.0.113.`. An IPv6 address must occur
    // exactly as in `address`.
    if let Some(network) = truncated.strip_suffix('0') {
        if !agent.contains(network) {
            return agent;
        }
        let mut pieces = agent.split(network);
        let mut hidden = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            hidden.push_str(truncated);
            hidden.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        return Cow::Owned(hidden);
    }
    if !address.is_empty() && agent.contains(address) {
        return Cow::Owned(agent.replace(address, truncated));
    }
    agent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(agent: &str, address: &str, truncated: &str) -> String {
        without_address(agent.into(), address, truncated).into_owned()
    }

    #[test]
    fn an_address_is_truncated_where_it_stands() {
        assert_eq!(
            hidden(
                "app 203.0.113.77 (203.0.113.7)",
                "203.0.113.77",
                "203.0.113.0"
            ),
            "app 203.0.113.0 (203.0.113.0)"
        );
        assert_eq!(
            hidden("app 2001:db8:1::9", "2001:db8:1::9", "2001:db8:1::"),
            "app 2001:db8:1::"
        );
        assert_eq!(
            hidden("Mozilla/5.0", "203.0.113.77", "203.0.113.0"),
            "Mozilla/5.0"
        );
    }
}
