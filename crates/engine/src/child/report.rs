//! Reports from the holder process to its parent, one per line.

use std::io::Write;

use super::ExitStatus;

/// Line on the lifeline that kills an engine at once.
pub(super) const KILL: &str = "kill";

/// One line on the report pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReportLine {
    /// Process id of the engine.
    Pid(u32),
    /// Exit status of the engine.
    Exit(ExitStatus),
    /// Reason for a failed start, or the last message of the engine.
    Error(String),
}

impl ReportLine {
    /// Writes the line. Errors are ignored, because a dead parent no longer reads.
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

    /// Parses a line; `None` if [`ReportLine::send`] never writes it.
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
    fn sent_reports_are_read_back() {
        for report in [
            ReportLine::Pid(12),
            ReportLine::Exit(ExitStatus::Code(143)),
            ReportLine::Exit(ExitStatus::Signal(9)),
            ReportLine::Exit(ExitStatus::Unknown),
            ReportLine::Error("no such file".into()),
        ] {
            let mut pipe = Vec::new();
            report.send(&mut pipe);
            let line = String::from_utf8(pipe).unwrap();
            assert_eq!(ReportLine::parse(line.trim_end_matches('\n')), Some(report));
        }
        assert_eq!(ReportLine::parse("banner"), None);
    }
}
