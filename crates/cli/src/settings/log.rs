use affluenza_event::nearest;
use serde::{Deserialize, Serialize};

/// Levels of the log.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Settings of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `text` or `json`.
    pub format: affluenza_http::telemetry::Format,
    /// Level, or `target=level` separated by commas.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: affluenza_http::telemetry::Format::Text,
            filter: "warn".into(),
        }
    }
}

impl LogSettings {
    /// Returns the problem of the filter. The library takes a mistyped level for the name of a target.
    pub(super) fn problem(&self) -> Option<String> {
        let parts = self.filter.split(',').map(str::trim);
        let mut parts = parts.filter(|part| !part.is_empty());
        let wrong = parts.find(|part| !is_directive(part))?;
        let level = wrong.rsplit('=').next().unwrap_or_default();
        let meant = nearest(level, LEVELS);
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
        Some(format!(
            "log filter {:?}: {wrong:?} has no level: use {}, or a list such as `warn,affluenza_kafka=debug`{meant}",
            self.filter,
            LEVELS.join(", "),
        ))
    }
}

/// True for `LEVEL`, and for `target=LEVEL`, where the target may end with a span in brackets.
fn is_directive(part: &str) -> bool {
    let (target, level) = part.rsplit_once('=').unwrap_or(("all", part));
    let mut name = target.split('[').next().unwrap_or_default().chars();
    let is_level = LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level));
    is_level && !target.is_empty() && name.all(|c| c.is_ascii_alphanumeric() || "_-:".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_levels() {
        let problem = |filter: &str| {
            let filter = filter.to_owned();
            let settings = LogSettings {
                filter,
                ..LogSettings::default()
            };
            settings.problem()
        };
        for right in [
            "warn",
            "",
            "INFO, affluenza_kafka=debug,[span{id=1}]=trace",
            "off,a::b=info",
        ] {
            assert_eq!(problem(right), None, "{right}");
        }
        for (wrong, said) in [
            ("inof", "did you mean \"info\"?"),
            ("warn,affluenza_kafka=debgu", "did you mean \"debug\"?"),
            ("affluenza_kafka", "\"affluenza_kafka\" has no level"),
            ("nonsense===", "\"nonsense===\" has no level"),
            ("a==debug", "\"a==debug\""),
            ("=debug", "\"=debug\""),
        ] {
            let problem = problem(wrong).unwrap_or_default();
            assert!(problem.contains(said), "{wrong}: {problem}");
        }
    }
}
