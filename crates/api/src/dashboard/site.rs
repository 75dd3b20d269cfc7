//! Settings of the pages, and what they say about their publisher.

use std::path::PathBuf;

use affluenza_http::{is_forwarded_https, out_of_range};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::events::EventFeed;
use super::findings::{FindingsFeed, WriteFindings};

/// Addresses that the pages link to, and sites that may show them in a frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PagesConfig {
    /// Address of the pages in links from other sites, such as `https://uso.example.it`. Empty:
    /// `serve.url`, or the host of each request.
    pub base_url: String,
    /// Address of the accessibility statement. Empty: no link.
    pub accessibility: String,
    /// Address of the privacy notice. Empty: no link.
    pub privacy: String,
    /// Address of the legal notes. Empty: no link.
    pub legal_notes: String,
    /// Hours until a reader who signed in with a key signs in again. Default 12, from 1 to 744.
    pub session_hours: u32,
    /// File of the secret that sessions are made with: 64 hexadecimal digits. Servers behind one
    /// address need a copy each. Empty: `session-secret` in the data folder, created at the start.
    pub session_file: PathBuf,
    /// Origins of the sites that may show the pages in a frame, such as
    /// `https://www.comune.example.it`; `*` means every site. Empty: none.
    pub frame_ancestors: Vec<String>,
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            accessibility: String::new(),
            privacy: String::new(),
            legal_notes: String::new(),
            session_hours: 12,
            session_file: PathBuf::new(),
            frame_ancestors: Vec::new(),
        }
    }
}

impl PagesConfig {
    /// Returns the problems of the configuration, one line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let addresses = [
            ("base_url", &self.base_url),
            ("accessibility", &self.accessibility),
            ("privacy", &self.privacy),
            ("legal_notes", &self.legal_notes),
        ];
        let addresses = addresses.into_iter().filter(|(_, url)| !url.is_empty());
        let origins = self.frame_ancestors.iter().filter(|origin| *origin != "*");
        let origins = origins.map(|origin| ("frame_ancestors", origin));
        let wrong = addresses.chain(origins).filter(|(_, url)| !is_address(url));
        let problem = |(name, url)| format!("serve.pages.{name}: {url:?} is not https://…");
        let hours = self.session_hours.into();
        let hours = out_of_range("serve.pages", "session_hours", hours, 1..=744);
        wrong.map(problem).chain(hours).collect()
    }
}

/// True for an address that fits an attribute and a header.
pub(crate) fn is_address(url: &str) -> bool {
    let is_http = url.starts_with("https://") || url.starts_with("http://");
    is_http && !url.contains(|c: char| !c.is_ascii_graphic() || "\"'<>;,".contains(c))
}

/// Logo of the publisher.
#[derive(Debug, Clone)]
pub struct SiteLogo {
    /// Name, which screen readers speak.
    pub name: String,
    /// Media type of the file.
    pub media_type: &'static str,
    /// File.
    pub bytes: Bytes,
}

/// Publisher of the pages, with their settings.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Settings of the pages.
    pub config: PagesConfig,
    /// `http` or `https`, for links where `base_url` is empty.
    pub scheme: &'static str,
    /// True if `/open-data` has a catalogue.
    pub has_open_data: bool,
    /// Logo of the publisher, if it has one.
    pub logo: Option<SiteLogo>,
    /// Name of the publisher; may be empty.
    pub publisher: String,
    /// Address for questions; may be empty.
    pub contact: String,
    /// Licence of the public figures; may be empty.
    pub licence: String,
    /// Writes the findings of closed periods. `None`: the pages have none.
    pub findings: Option<WriteFindings>,
    /// Finds what the present figures show, for readers with a key. `None`: they have no findings.
    pub present_findings: Option<FindingsFeed>,
    /// Reads the last events of the log. `None`: this server is not connected to the log.
    pub events: Option<EventFeed>,
}

impl Site {
    /// Returns the address of the pages without a slash at the end.
    pub(crate) fn base(&self, headers: &HeaderMap) -> String {
        let configured = self.config.base_url.trim_end_matches('/');
        if !configured.is_empty() {
            return configured.to_owned();
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.filter(|host| is_address(&format!("http://{host}")));
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        let scheme = match self.is_secure(headers) {
            true => "https",
            false => "http",
        };
        host.map_or_else(String::new, |host| format!("{scheme}://{host}"))
    }

    /// True if the reader uses HTTPS, also where a proxy ends it. Only requests of trusted proxies
    /// have the header of proxies here.
    pub(crate) fn is_secure(&self, headers: &HeaderMap) -> bool {
        self.scheme == "https"
            || self.config.base_url.starts_with("https://")
            || is_forwarded_https(headers)
    }

    /// Returns the content security policy of the pages.
    pub(crate) fn policy(&self) -> HeaderValue {
        let ancestors = match &*self.config.frame_ancestors {
            [] => "'none'".to_owned(),
            origins => origins.join(" "),
        };
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
             img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors {ancestors}"
        );
        // The settings were checked, so the value has no other characters.
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("frame-ancestors 'none'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_origins_are_checked() {
        let config = PagesConfig {
            base_url: "https://uso.example.it".to_owned(),
            privacy: "javascript:alert(1)".to_owned(),
            frame_ancestors: ["*", "https://a.example; script-src *"]
                .map(str::to_owned)
                .to_vec(),
            ..PagesConfig::default()
        };
        let problems = config.problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("serve.pages.privacy"));
        assert!(problems[1].starts_with("serve.pages.frame_ancestors"));
    }

    #[test]
    fn links_begin_with_the_setting_or_with_the_host() {
        let mut site = Site {
            scheme: "http",
            ..Site::default()
        };
        let mut headers = HeaderMap::new();
        assert_eq!(site.base(&headers), "");
        headers.insert(HOST, HeaderValue::from_static("localhost:8080"));
        assert_eq!(site.base(&headers), "http://localhost:8080");
        headers.insert("x-forwarded-proto", HeaderValue::from_static("HTTPS"));
        assert_eq!(site.base(&headers), "https://localhost:8080");
        headers.insert(HOST, HeaderValue::from_static("a\"><script>"));
        assert_eq!(site.base(&headers), "");
        site.config.base_url = "https://uso.example.it/".to_owned();
        assert_eq!(site.base(&headers), "https://uso.example.it");
    }

    #[test]
    fn frames_are_allowed_by_the_setting_only() {
        let mut site = Site::default();
        let policy = |site: &Site| site.policy().to_str().unwrap().to_owned();
        assert!(policy(&site).ends_with("frame-ancestors 'none'"));
        site.config.frame_ancestors = vec!["https://www.comune.example.it".to_owned()];
        assert!(policy(&site).ends_with("frame-ancestors https://www.comune.example.it"));
    }
}
