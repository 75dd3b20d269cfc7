//! Addresses inside user agents.

use std::borrow::Cow;

/// The user agent `agent` without the client's own `address`, which some apps and proxies put
/// there: what it has instead is `truncated`, the truncated form of the same address.
#[must_use]
pub fn without_address<'a>(agent: Cow<'a, str>, address: &str, truncated: &str) -> Cow<'a, str> {
    // "203.0.113." of "203.0.113.0"; an IPv6 address is looked for as it was written.
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
