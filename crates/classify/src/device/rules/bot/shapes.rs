//! Forms of the contact addresses that bots put into their user agent.

/// Accepts `name@host.domain`: a name before the `@` and a dot after it.
pub(super) fn is_mail_address(agent: &[u8], start: usize, end: usize) -> bool {
    let before = start
        .checked_sub(1)
        .is_some_and(|at| agent[at].is_ascii_alphanumeric());
    let host = agent[end..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let dots = host.clone().filter(|byte| **byte == b'.').count();
    let is_host = agent.get(end).is_some_and(u8::is_ascii_alphabetic);
    before && is_host && dots > 0 && host.count() > 3
}

/// Accepts `name at host dot domain`.
pub(super) fn is_spelled_mail_address(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = &agent[end..agent.len().min(end + 40)];
    rest.windows(5)
        .any(|five| five.eq_ignore_ascii_case(b" dot "))
}

/// `host.domain/…` without a scheme: a host name before the dot that begins a word,
/// not the product and version of a browser (`Foo.com/1.0`).
pub(super) fn is_bare_address(agent: &[u8], start: usize, end: usize) -> bool {
    let word = agent[..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/'))
        .count();
    let before = start.checked_sub(word + 1).map(|at| agent[at]);
    let is_version = agent.get(end).is_some_and(u8::is_ascii_digit);
    word > 1 && matches!(before, Some(b'(' | b'+' | b' ' | b';') | None) && !is_version
}

/// `Host.com` with nothing behind it but the end, a blank or a bracket: not the name
/// of an app (`com.example.app`), not a toolbar (`Ant.com Toolbar`).
pub(super) fn is_bare_domain(agent: &[u8], start: usize, end: usize) -> bool {
    let word = agent[..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
        .count();
    let before = start.checked_sub(word + 1).map(|at| agent[at]);
    let ends = matches!(agent.get(end), None | Some(b')' | b' ' | b';' | b','));
    let is_toolbar = agent[end..].starts_with(b" Toolbar");
    word > 1 && matches!(before, Some(b'(' | b'+' | b' ' | b';') | None) && ends && !is_toolbar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(agent: &str, token: &str, shape: fn(&[u8], usize, usize) -> bool) -> bool {
        let start = agent.find(token).unwrap();
        shape(agent.as_bytes(), start, start + token.len())
    }

    #[test]
    fn mail_addresses() {
        assert!(at("Foo (bar@example.org)", "@", is_mail_address));
        assert!(!at("Instagram 1 (x; 12@3)", "@", is_mail_address));
        assert!(!at("Foo @ example.org", "@", is_mail_address));
        assert!(at(
            "support at example dot com",
            " at ",
            is_spelled_mail_address
        ));
        assert!(!at("look at this", " at ", is_spelled_mail_address));
    }

    #[test]
    fn bare_addresses() {
        assert!(at("Firefox/31.0 Example.com", ".com", is_bare_domain));
        assert!(at("X (example.com)", ".com", is_bare_domain));
        assert!(!at("X Ant.com Toolbar 2.0", ".com", is_bare_domain));
        assert!(!at("X it.example.community", ".com", is_bare_domain));
        assert!(at("X (example.com/policy)", ".com/", is_bare_address));
        assert!(at("X (a-b.example.com/bot)", ".com/", is_bare_address));
        assert!(!at("X foo.com/1.0", ".com/", is_bare_address));
        assert!(!at("X [example.com/a]", ".com/", is_bare_address));
    }
}
