//! Layout of an input: its prefix and its forms, found in the first lines.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use crate::clients::{ClientCheck, ClientChoice, ClientField, has_forwarded};
use crate::fault::LineFault;
use crate::form::{FieldRole, FormCatalogue, LogForm, LogRecord, Misfit, Prefix, offset_of};
use crate::found::{FormDoubt, FoundForm};
use crate::lines;
use crate::time::{LogClock, OffsetSource};

/// Directives of the W3C extended log file format, which are no requests.
const DIRECTIVES: [&[u8]; 8] = [
    b"#Fields:",
    b"#Version:",
    b"#Software:",
    b"#Date:",
    b"#Start-Date:",
    b"#End-Date:",
    b"#Remark:",
    b"#GMT-Offset:",
];

/// Prefixes and forms of the lines of an input.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLayout {
    prefixes: Vec<Prefix>,
    forms: Vec<FoundForm>,
    /// Number of examined lines, and of those that no form fits.
    lines: u64,
    unknown: u64,
    offsets: BTreeSet<OffsetSource>,
    clients: u64,
    /// Number of lines with forwarded addresses.
    forwarded: u64,
    agents: u64,
    client_field: ClientField,
    doubts: Vec<FormDoubt>,
    /// Offset that a directive before the header named.
    offset: Option<[u8; 5]>,
    /// True if the operator gave the form.
    is_given: bool,
    zone: String,
}

/// Settings of the search for a layout.
pub(crate) struct LayoutSearch<'a> {
    /// Form that the operator gave.
    pub(crate) given: Option<&'a LogForm>,
    pub(crate) clients: &'a ClientChoice,
    pub(crate) clock: &'a LogClock,
}

/// Kind of a line.
pub(crate) enum LineKind {
    /// A request.
    Request,
    /// A blank line, or a directive of a header.
    Other,
}

/// True for a directive of a header.
fn is_directive(line: &[u8]) -> bool {
    let mut directives = DIRECTIVES.iter();
    directives.any(|directive| line.starts_with(directive))
}

/// True if a sample has a complete line that is neither blank nor a directive.
pub(crate) fn has_request(sample: &[u8]) -> bool {
    sample.contains(&b'\n')
        && lines::of_sample(sample).any(|line| !line.trim_ascii().is_empty() && !is_directive(line))
}

impl LogLayout {
    /// Finds the layout of the lines in `sample`, and counts their clients.
    pub(crate) fn find(sample: &[u8], search: &LayoutSearch<'_>, check: &mut ClientCheck) -> Self {
        let mut layout = Self {
            client_field: search.clients.field,
            is_given: search.given.is_some(),
            zone: search.clock.name().to_owned(),
            ..Self::default()
        };
        let mut forms: Vec<FoundForm> = match search.given {
            Some(form) => vec![form.clone().into()],
            None => FormCatalogue::built_in()
                .forms
                .iter()
                .cloned()
                .map(Into::into)
                .collect(),
        };
        let mut prefixes: Vec<_> = FormCatalogue::built_in()
            .prefixes
            .iter()
            .map(|prefix| (prefix, false))
            .collect();
        // All lines decide on the client of a form, before lines are counted.
        let mut first = layout.clone();
        first.scan(
            sample,
            &mut forms,
            &mut prefixes,
            search,
            &mut ClientCheck::default(),
        );
        forms.retain(|form| form.lines > 0 && !form.form.has_header());
        prefixes.retain(|(_, is_found)| *is_found);
        forms.retain_mut(|form| {
            let doubt = form.decide();
            layout.doubts.extend(doubt);
            form.lines = 0;
            doubt.is_none()
        });
        layout.scan(sample, &mut forms, &mut prefixes, search, check);
        forms.retain(|form| form.lines > 0 || form.form.has_header());
        layout.forms = forms;
        layout.prefixes = prefixes
            .iter()
            .map(|(prefix, _)| (*prefix).clone())
            .collect();
        layout
    }

    fn scan(
        &mut self,
        sample: &[u8],
        forms: &mut Vec<FoundForm>,
        prefixes: &mut [(&Prefix, bool)],
        search: &LayoutSearch<'_>,
        check: &mut ClientCheck,
    ) {
        for line in lines::of_sample(sample) {
            if let LineKind::Other = self.kind(line, forms) {
                continue;
            }
            self.lines += 1;
            self.look(line, forms, prefixes, search, check);
        }
    }

    /// Searches the layout of one more line. True if it has a form or a prefix that is new.
    pub(crate) fn learn(&mut self, line: &[u8], search: &LayoutSearch<'_>) -> bool {
        let found = Self::find(line, search, &mut ClientCheck::default());
        let known = self.forms.len() + self.prefixes.len();
        for form in found.forms {
            if !self.forms.iter().any(|known| known.form == form.form) {
                self.forms.push(form);
            }
        }
        for prefix in found.prefixes {
            if !self.prefixes.iter().any(|known| known.name == prefix.name) {
                self.prefixes.push(prefix);
            }
        }
        let is_new = self.forms.len() + self.prefixes.len() > known;
        if is_new {
            self.lines += found.lines;
            self.clients += found.clients;
            self.forwarded += found.forwarded;
            self.agents += found.agents;
            self.offsets.extend(found.offsets);
        }
        is_new
    }

    fn look(
        &mut self,
        line: &[u8],
        forms: &mut [FoundForm],
        prefixes: &mut [(&Prefix, bool)],
        search: &LayoutSearch<'_>,
        check: &mut ClientCheck,
    ) {
        for (prefix, is_found) in prefixes {
            if let Some(stripped) = prefix.strip(line)
                && self.fits(&stripped, forms, search, check)
            {
                *is_found = true;
                return;
            }
        }
        if !self.fits(line, forms, search, check) {
            self.unknown += 1;
        }
    }

    fn fits(
        &mut self,
        line: &[u8],
        forms: &mut [FoundForm],
        search: &LayoutSearch<'_>,
        check: &mut ClientCheck,
    ) -> bool {
        for found in forms {
            let Ok(record) = found.form.read(line, search.clock) else {
                continue;
            };
            found.lines += 1;
            if let Some(rival) = found.form.rival() {
                found.rivals.count(&record, rival);
            }
            found.agents_elsewhere += u64::from(found.form.has_agent_elsewhere(line, &record));
            found.has_agents |= found.form.shows_agent(&record);
            self.agents += u64::from(found.has_agents);
            self.clients += u64::from(search.clients.client(&record).is_some());
            self.forwarded += u64::from(has_forwarded(&record));
            self.offsets.extend(record.time.map(|time| time.source));
            check.count(search.clients, &record);
            return true;
        }
        false
    }

    /// Returns the kind of a line. A header becomes the form of the lines that follow.
    pub(crate) fn next_kind(&mut self, line: &[u8]) -> LineKind {
        let mut forms = std::mem::take(&mut self.forms);
        let kind = self.kind(line, &mut forms);
        self.forms = forms;
        kind
    }

    fn kind(&mut self, line: &[u8], forms: &mut Vec<FoundForm>) -> LineKind {
        if line.trim_ascii().is_empty() {
            return LineKind::Other;
        }
        if !is_directive(line) {
            return LineKind::Request;
        }
        self.offset = offset_of(line).or(self.offset);
        if let Some(mut form) = FormCatalogue::built_in().form_of_header(line) {
            form.set_offset(self.offset);
            let mut with_header = FoundForm::from(form);
            for found in forms.iter().filter(|found| found.form.has_header()) {
                with_header.lines += found.lines;
                with_header.has_agents |= found.has_agents;
            }
            forms.retain(|found| !found.form.has_header());
            forms.insert(0, with_header);
        }
        LineKind::Other
    }

    /// Removes the prefix of a line.
    pub(crate) fn strip<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        let mut stripped = self.prefixes.iter().filter_map(|prefix| prefix.strip(line));
        stripped.next().unwrap_or(Cow::Borrowed(line))
    }

    /// Reads a line without its prefix. The fault is that of the form that fits best.
    pub(crate) fn read<'a>(
        &mut self,
        line: &'a [u8],
        clock: &LogClock,
    ) -> Result<LogRecord<'a>, LineFault> {
        let mut best = Misfit {
            at: 0,
            fault: LineFault::UnknownForm,
        };
        for found in &mut self.forms {
            match found.form.read(line, clock) {
                Ok(mut record) => {
                    found.has_agents |= found.form.shows_agent(&record);
                    record.is_agent_recorded = found.has_agents;
                    record.may_lack_agent = found.form.may_lack_agent();
                    return Ok(record);
                }
                Err(misfit) if misfit.at >= best.at => best = misfit,
                Err(_) => {}
            }
        }
        Err(best.fault)
    }

    fn offsets_text(&self) -> String {
        let texts: Vec<String> = self
            .offsets
            .iter()
            .map(|source| match source {
                OffsetSource::Log(digits) => {
                    format!("time zone {}", String::from_utf8_lossy(digits))
                }
                OffsetSource::Utc => "times in UTC".to_owned(),
                OffsetSource::Portal => format!("times without a zone, read as {}", self.zone),
            })
            .collect();
        texts.join(" and ").replace(" and time zone", " and")
    }
}

impl fmt::Display for LogLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut found: Vec<_> = self.forms.iter().filter(|found| found.lines > 0).collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.lines));
        let Some(main) = found.first() else {
            return match self.lines {
                0 => f.write_str("no lines yet"),
                lines if self.is_given => {
                    write!(
                        f,
                        "none of the first {lines} lines has the format of --log-format"
                    )
                }
                lines => {
                    write!(f, "no known form in the first {lines} lines")?;
                    for doubt in &self.doubts {
                        write!(f, ", because {doubt}")?;
                    }
                    f.write_str(": describe it with --log-format")
                }
            };
        };
        let peer = main.form.number_of(FieldRole::Client);
        let field = match self.client_field {
            ClientField::Peer => peer.map(|number| (number, "")),
            ClientField::Forwarded if self.forwarded == 0 => {
                peer.map(|number| (number, " (no line has forwarded addresses)"))
            }
            ClientField::Forwarded => None,
        };
        let forwarded = || {
            Some((
                main.form.number_of(FieldRole::Forwarded)?,
                " (forwarded addresses)",
            ))
        };
        f.write_str(main.form.name_with(main.has_agents))?;
        for prefix in &self.prefixes {
            write!(f, " after a prefix of {}", prefix.name)?;
        }
        match field.or_else(forwarded) {
            _ if self.clients == 0 => f.write_str(", no client: visitors are not counted")?,
            Some((number, kind)) => write!(f, ", client is field {number}{kind}")?,
            None => {}
        }
        if let Some(number) = main.inner_rival {
            write!(
                f,
                " (field {number} is a private address or has a server's port)"
            )?;
        }
        if self.agents == 0 {
            f.write_str(", no user agent: the device is unknown")?;
        }
        write!(f, ", {}", self.offsets_text())?;
        for other in &found[1..] {
            let name = other.form.name_with(other.has_agents);
            write!(
                f,
                "; {} of the first {} lines: {name}",
                other.lines, self.lines
            )?;
        }
        if self.unknown > 0 {
            write!(
                f,
                "; {} of the first {} lines have no known form",
                self.unknown, self.lines
            )?;
            for doubt in &self.doubts {
                write!(f, ", because {doubt}")?;
            }
        }
        Ok(())
    }
}
