//! What the process that holds an engine tells its parent: one line each.

use std::io::Write;

use super::ExitStatus;

/// The line on the lifeline that ends an engine at once.
pub(super) const KILL: &str = "kill";

/// One line on the report pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    /// The engine's own process number.
    Pid(u32),
    /// How the engine ended.
    Exit(ExitStatus),
    /// Why it could not be run, or what it said at its end.
    Error(String),
}

impl Report {
    /// Writes the line. A parent that is gone no longer listens, and that is no error.
    pub(super) fn send(&self, pipe: &mut impl Write) {
        let line = match self {
            Self::Pid(pid) => format!("pid {pid}\n"),
            Self::Exit(ExitStatus::Code(code)) => format!("code {code}\n"),
            Self::Exit(ExitStatus::Signal(signal)) => format!("signal {signal}\n"),
            Self::Exit(ExitStatus::Unknown) => "unknown -\n".to_owned(),
            Self::Error(text) => format!("error {}\n", text.replace('\n', " ")),
        };
        let _ = pipe.write_all(line.as_bytes()).and_then(|()| pipe.flush());
    }

    /// Reads a line; `None` for anything that [`Report::send`] does not write.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "pid" => rest.parse().ok().map(Self::Pid),
            "code" => rest
                .parse()
                .ok()
                .map(|code| Self::Exit(ExitStatus::Code(code))),
            "signal" => rest
                .parse()
                .ok()
                .map(|signal| Self::Exit(ExitStatus::Signal(signal))),
            "unknown" => Some(Self::Exit(ExitStatus::Unknown)),
            "error" => Some(Self::Error(rest.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read_back() {
        for report in [
            Report::Pid(12),
            Report::Exit(ExitStatus::Code(143)),
            Report::Exit(ExitStatus::Signal(9)),
            Report::Exit(ExitStatus::Unknown),
            Report::Error("no such file".into()),
        ] {
            let mut pipe = Vec::new();
            report.send(&mut pipe);
            let line = String::from_utf8(pipe).unwrap();
            assert_eq!(Report::parse(line.trim_end_matches('\n')), Some(report));
        }
        assert_eq!(Report::parse("banner"), None);
    }
}
