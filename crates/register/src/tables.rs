//! Entries of all tables, from the TOML and CSV files of a register.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::StringRecord;
use serde::de::DeserializeOwned;
use toml::{Spanned, Value};

use crate::check::{Checker, EntryPosition, FileLine};
use crate::problem::Fault;
use crate::raw::{
    FileKind, RawCategory, RawDeployment, RawEnte, RawPortal, RawRegister, RawService,
};
use crate::rows::{Columns, DEPLOYMENT, ENTE, PORTAL, Row};
use crate::sheet::CsvSheet;

/// File that the first file names.
struct FurtherFile {
    name: String,
    line: usize,
    kind: FileKind,
}

/// Texts of further files by name.
type Contents = BTreeMap<String, String>;
/// Entries with their positions.
pub(crate) type Entries<T> = Vec<(EntryPosition, T)>;

/// Entries of all tables.
#[derive(Default)]
pub(crate) struct Tables {
    pub categories: Entries<RawCategory>,
    pub services: Entries<RawService>,
    pub enti: Entries<RawEnte>,
    pub portals: Entries<RawPortal>,
    pub deployments: Vec<DeploymentEntry>,
}

/// Period of a service at an ente, with the codes as written.
pub(crate) struct DeploymentEntry {
    /// Its code is that of the ente, a full stop, and that of the service.
    pub place: EntryPosition,
    ente_bytes: usize,
    pub raw: RawDeployment,
}

impl DeploymentEntry {
    pub(crate) fn ente(&self) -> &str {
        &self.place.code[..self.ente_bytes]
    }

    pub(crate) fn service(&self) -> &str {
        &self.place.code[self.ente_bytes + 1..]
    }
}

/// Returns the text of a file by its name, or the reason why it cannot be read.
pub(crate) type OpenFile<'o> = &'o mut dyn FnMut(&str) -> Result<String, String>;

/// Reader of the files of a register.
pub(crate) struct TableReader<'c> {
    checker: &'c mut Checker,
    tables: Tables,
}

impl<'c> TableReader<'c> {
    /// Reads the first file, whose text is given, and those that it names.
    pub(crate) fn read(checker: &'c mut Checker, open: OpenFile<'_>, text: &str) -> Tables {
        let tables = Tables::default();
        let mut reader = Self { checker, tables };
        let main: Arc<str> = "".into();
        let Some((files, mut contents)) = reader.toml(&main, text) else {
            return reader.tables;
        };
        let mut known = BTreeSet::new();
        for FurtherFile { name, line, kind } in files {
            let path: PathBuf = Path::new(&name).components().collect();
            if !known.insert(path.strip_prefix(".").unwrap_or(&path).to_owned()) {
                let fault = Fault::RepeatedFile(name);
                reader.checker.report_file(&main, Some(line), fault);
                continue;
            }
            let text = match contents.remove(&name) {
                Some(text) => Ok(text),
                None => open(&name),
            };
            match text {
                Ok(text) => reader.further(&name.into(), kind, &text),
                Err(reason) => {
                    let fault = Fault::UnreadableFile { name, reason };
                    reader.checker.report_file(&main, Some(line), fault);
                }
            }
        }
        reader.tables
    }

    fn further(&mut self, file: &Arc<str>, kind: FileKind, text: &str) {
        match kind {
            FileKind::Register => {
                let nested = self
                    .toml(file, text)
                    .and_then(|(files, _)| files.into_iter().next());
                if let Some(FurtherFile { line, .. }) = nested {
                    self.checker
                        .report_file(file, Some(line), Fault::NestedFiles);
                }
            }
            FileKind::Enti => self.each_row(file, text, &ENTE, |reader, row| {
                let table = row.table(reader.checker);
                let entry = reader.checker.entry(row.place, table);
                reader.tables.enti.extend(entry);
            }),
            FileKind::Portals => self.each_row(file, text, &PORTAL, |reader, row| {
                let table = row.table(reader.checker);
                let entry = reader.checker.entry(row.place, table);
                reader.tables.portals.extend(entry);
            }),
            FileKind::Deployments => self.each_row(file, text, &DEPLOYMENT, |reader, row| {
                let raw = row.deployment(reader.checker);
                let ente_bytes = row.cell("ente").map_or(0, str::len);
                reader
                    .tables
                    .deployments
                    .extend(raw.map(|raw| DeploymentEntry {
                        place: row.place,
                        ente_bytes,
                        raw,
                    }));
            }),
        }
    }

    /// Reads the tables of a TOML file. Returns its further files, and their texts if it has them.
    fn toml(&mut self, file: &Arc<str>, text: &str) -> Option<(Vec<FurtherFile>, Contents)> {
        let lines = LineStarts::of(text);
        let raw: RawRegister = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let line = error.span().map(|span| lines.line(span.start));
                let fault = Fault::Shape(error.message().replace('\n', ", "));
                self.checker.report_file(file, line, fault);
                return None;
            }
        };
        let file = TomlFile { file, lines };
        let (checker, tables) = (&mut *self.checker, &mut self.tables);
        file.read(checker, "category", raw.category, &mut tables.categories);
        file.read(checker, "service", raw.service, &mut tables.services);
        file.read(checker, "ente", raw.ente, &mut tables.enti);
        file.read(checker, "portal", raw.portal, &mut tables.portals);
        for (ente, services) in raw.deployments {
            for (service, value) in services {
                let code = format!("{ente}.{service}");
                let place = file.position(value.span().start, "deployments", code);
                let periods = match value.into_inner() {
                    Value::Array(periods) => periods,
                    one => vec![one],
                };
                for period in periods {
                    let raw = checker.shape(&place, period);
                    tables.deployments.extend(raw.map(|raw| DeploymentEntry {
                        place: place.clone(),
                        ente_bytes: ente.len(),
                        raw,
                    }));
                }
            }
        }
        let files = raw
            .files
            .into_list()
            .into_iter()
            .map(|(name, kind)| FurtherFile {
                line: file.lines.line(name.span().start),
                name: name.into_inner(),
                kind,
            });
        Some((files.collect(), raw.contents))
    }

    /// Passes each line of a CSV file to `take`.
    fn each_row(
        &mut self,
        file: &Arc<str>,
        text: &str,
        columns: &Columns,
        take: impl Fn(&mut Self, Row<'_>),
    ) {
        let mut sheet = CsvSheet::new(text);
        let Some(header) = self.header(file, columns, sheet.columns()) else {
            return;
        };
        let mut fields = StringRecord::new();
        while let Some(line) = sheet.read(&mut fields) {
            let file = Arc::clone(file);
            let mut row = Row {
                place: EntryPosition {
                    at: FileLine { file, line },
                    table: columns.table,
                    code: String::new(),
                },
                header: &header,
                fields: &fields,
            };
            row.place.code = row.code(columns);
            if let Some(field) = row.column_with_control()
                && !self.checker.is_sealed
            {
                // Quotes that are not closed hide the lines below.
                let fault = Fault::ControlCharacter { field };
                let FileLine { file, line } = row.place.at;
                self.checker.report_file(&file, Some(line), fault);
            } else if fields.len() == header.len() {
                take(self, row);
            } else {
                let (found, expected) = (fields.len(), header.len());
                let fault = Fault::FieldCount { found, expected };
                self.checker.omit(&row.place, fault);
            }
        }
    }

    /// Returns the columns of a CSV file, or reports the unknown and the missing ones.
    fn header(
        &mut self,
        file: &Arc<str>,
        columns: &Columns,
        found: &StringRecord,
    ) -> Option<Vec<&'static str>> {
        let mut header: Vec<&'static str> = Vec::new();
        let mut is_right = true;
        let mut report = |fault| {
            self.checker.report_file(file, Some(1), fault);
            is_right = false;
        };
        let known = || columns.names.join(", ");
        for column in found {
            let name = columns
                .names
                .iter()
                .find(|name| name.eq_ignore_ascii_case(column));
            match name {
                Some(name) if !header.contains(name) => header.push(name),
                _ => report(Fault::UnknownColumn {
                    column: column.to_owned(),
                    known: known(),
                }),
            }
        }
        for column in &columns.names[..columns.required] {
            if !header.contains(column) {
                let known = known();
                report(Fault::MissingColumn { column, known });
            }
        }
        is_right.then_some(header)
    }
}

/// TOML file with its line ends.
struct TomlFile<'f> {
    file: &'f Arc<str>,
    lines: LineStarts,
}

impl TomlFile<'_> {
    fn position(&self, offset: usize, table: &'static str, code: String) -> EntryPosition {
        let at = FileLine {
            file: Arc::clone(self.file),
            line: self.lines.line(offset),
        };
        EntryPosition { at, table, code }
    }

    fn read<T: DeserializeOwned>(
        &self,
        checker: &mut Checker,
        table: &'static str,
        raw: Vec<Spanned<Value>>,
        entries: &mut Entries<T>,
    ) {
        entries.extend(raw.into_iter().filter_map(|entry| {
            let code = entry.get_ref().get("code").and_then(Value::as_str);
            let code = code.unwrap_or_default().to_owned();
            let place = self.position(entry.span().start, table, code);
            checker.entry(place, entry.into_inner())
        }));
    }
}

/// Offsets of the line ends of a text, in ascending order.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(offset, _)| offset).collect())
    }

    /// Returns the line of an offset, from 1.
    fn line(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|end| *end < offset)
    }
}
