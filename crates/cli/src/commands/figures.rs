//! Imports figures of other sources, and reads them for the report.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use affluenza_report::sources::{self, FigureSet, SourceError};
use affluenza_store::imported::ImportedRow;
use affluenza_store::{Registers, Store};
use affluenza_words::Language;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::Value;

use crate::args::ImportFigures;
use crate::commands::register_files::text_of;
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

/// Name and text of a file of the example figures.
macro_rules! example {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../../deploy/figures/", $name)),
        )
    };
}

/// Files of provenance of the example figures, which the demo imports.
const EXAMPLES: [(&str, &str); 8] = [
    example!("active-services.toml"),
    example!("data-centre-support.toml"),
    example!("help-desk.toml"),
    example!("identity-credentials.toml"),
    example!("infrastructure.toml"),
    example!("portfolio.toml"),
    example!("probe-alerts.toml"),
    example!("service-levels.toml"),
];

/// Rows of the example figures.
const EXAMPLE_ROWS: [(&str, &str); 8] = [
    example!("credentials_by_year.csv"),
    example!("data_centre_support_2017.csv"),
    example!("deployments_2017.csv"),
    example!("help_desk_2017.csv"),
    example!("infrastructure_2017.csv"),
    example!("portfolio_2017.csv"),
    example!("probe_alerts_by_month.csv"),
    example!("service_levels_2017.csv"),
];

/// Kind of a row that takes back an import. Its content is the number of the import.
const REMOVAL: &str = "removal";

pub fn import(settings: &Settings, args: &ImportFigures) -> Result<()> {
    let set = args.file.as_deref().map(read).transpose()?;
    if let Some(set) = &set {
        let register = super::register(settings)?;
        for doubt in sources::check(set, &register) {
            output::say(&doubt.sentence(Language::EN));
        }
    }
    let done = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        let registers = store.registers();
        let imports = Imports::read(registers).await?;
        match (&set, args.remove) {
            (Some(set), _) if args.dry_run => Ok(imports.announced(set)),
            (Some(set), _) => add(registers, &imports, set).await,
            (None, Some(number)) => remove(registers, &imports, number).await,
            (None, None) => Ok(imports.listed()),
        }
    })?;
    output::print(&done)
}

/// Reads a provenance file and the CSV file that it names, in the same folder.
fn read(file: &Path) -> Result<FigureSet> {
    let text =
        fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    sources::read_set(&text, |name| {
        let rows = folder.join(name);
        text_of(&rows).map_err(|reason| {
            SourceError::Rows(format!("{} cannot be read: {reason}", rows.display()))
        })
    })
    .with_context(|| file.display().to_string())
}

/// An import that was not taken back.
struct KeptImport {
    row: ImportedRow,
    /// Name under which a later import replaces figures of a year.
    name: String,
    /// Figures, or the reason why this version cannot read them.
    set: Result<FigureSet, serde_json::Error>,
    /// Years of the figures; empty if they cannot be read.
    given: BTreeSet<i16>,
    /// Years of which no later import has figures of the name.
    years: BTreeSet<i16>,
}

impl KeptImport {
    fn of(row: ImportedRow) -> Self {
        let set = FigureSet::from_json(&row.content);
        let stored = serde_json::from_str(&row.content).unwrap_or_default();
        let name = match &set {
            Ok(set) => set.figures.name(),
            Err(_) => stored_name(&row.kind, &stored),
        };
        let given = match &set {
            Ok(set) => set.figures.years(),
            Err(_) => stored_years(&stored),
        };
        Self {
            row,
            name,
            set,
            years: given.clone(),
            given,
        }
    }

    /// True if the report of a year has figures of the import.
    fn is_needed(&self, year: i16) -> bool {
        match &*self.row.kind {
            "table" => self.years.contains(&year),
            // A kind has figures of earlier years, too.
            _ => self.years.iter().any(|own| *own <= year),
        }
    }
}

/// Returns the name of figures of another version.
fn stored_name(kind: &str, stored: &Value) -> String {
    match stored["rows"]["form"]["name"].as_str() {
        Some(table) => format!("{kind} {table}"),
        None => kind.to_owned(),
    }
}

/// Returns the years of figures of another version: that of the table, or those of the rows.
fn stored_years(stored: &Value) -> BTreeSet<i16> {
    let rows = &stored["rows"];
    let of_rows = rows.as_array().into_iter().flatten();
    let years = of_rows.chain([rows]).map(|row| row["year"].as_i64());
    let years = years.flatten().map(i16::try_from);
    years.filter_map(Result::ok).collect()
}

/// All imports, oldest first.
struct Imports {
    kept: Vec<KeptImport>,
    /// Hashes of all imports, also of those that were taken back.
    hashes: BTreeSet<String>,
    /// Number of the next row.
    next: u32,
}

impl Imports {
    async fn read(registers: &Registers) -> Result<Self> {
        Ok(Self::of(registers.imported().await?))
    }

    fn of(rows: Vec<ImportedRow>) -> Self {
        let next = rows.last().map_or(0, |row| row.number) + 1;
        let (removals, rows): (Vec<ImportedRow>, Vec<ImportedRow>) =
            rows.into_iter().partition(|row| row.kind == REMOVAL);
        let hashes = rows.iter().map(|row| row.hash.clone()).collect();
        let removed: BTreeSet<&str> = removals.iter().map(|row| &*row.content).collect();
        let rows = rows.into_iter();
        let rows = rows.filter(|row| !removed.contains(&*row.number.to_string()));
        let mut kept: Vec<KeptImport> = rows.map(KeptImport::of).collect();
        let mut later: BTreeMap<String, BTreeSet<i16>> = BTreeMap::new();
        for import in kept.iter_mut().rev() {
            let later = later.entry(import.name.clone()).or_default();
            import.years = import.given.difference(later).copied().collect();
            later.extend(&import.given);
        }
        Self { kept, hashes, next }
    }

    /// Returns the import of the same figures, if all of them are used.
    fn same(&self, set: &FigureSet) -> Option<&KeptImport> {
        let hash = set.hash();
        let mut same = self.kept.iter().rev();
        same.find(|kept| kept.row.hash == hash && kept.years == kept.given)
    }

    /// True if there are imports of the same name and year.
    fn has_years_of(&self, set: &FigureSet) -> bool {
        let (name, years) = (set.figures.name(), set.figures.years());
        let mut of_name = self.kept.iter().filter(|kept| kept.name == name);
        of_name.any(|kept| !kept.given.is_disjoint(&years))
    }

    /// Returns a line about the import of a set.
    fn announced(&self, set: &FigureSet) -> String {
        let name = set.figures.name();
        if let Some(same) = self.same(set) {
            let number = same.row.number;
            return format!("{name}: nothing has changed since import {number}");
        }
        let years = set.figures.years();
        let of_name = self.kept.iter().filter(|kept| kept.name == name);
        let replaced = of_name.filter(|kept| !kept.years.is_disjoint(&years));
        let replaced: Vec<String> = replaced.map(|kept| kept.row.number.to_string()).collect();
        let replaced = match replaced.is_empty() {
            true => String::new(),
            false => format!(
                ", in place of import {}, which is kept",
                replaced.join(" and ")
            ),
        };
        format!(
            "{name} of {}: {} rows from {}, import {}{replaced}",
            joined(&years),
            set.figures.len(),
            set.provenance.source,
            self.next
        )
    }

    /// Returns a line for each import.
    fn listed(&self) -> String {
        let lines = self.kept.iter().map(|kept| {
            let KeptImport {
                row, set, years, ..
            } = kept;
            let used = match years.is_empty() && !kept.given.is_empty() {
                true => "replaced by later imports".to_owned(),
                false => format!("used for {}", joined(years)),
            };
            let content = match set {
                Ok(set) => format!("{} rows", set.figures.len()),
                Err(_) => "cannot be read".to_owned(),
            };
            format!(
                "import {}: {}, {content}, {}, {}, by {}: {used}",
                row.number, kept.name, row.source, row.source_date, row.imported_by
            )
        });
        match self.kept.is_empty() {
            true => "no figures are imported".to_owned(),
            false => lines.collect::<Vec<_>>().join("\n"),
        }
    }
}

/// Lists years: `2013 and 2015 to 2017`.
fn joined(years: &BTreeSet<i16>) -> String {
    let years: Vec<i16> = years.iter().copied().collect();
    let runs = years.chunk_by(|year, next| next - year == 1);
    let runs = runs.flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{first} to {last}")],
        few => few.iter().map(i16::to_string).collect(),
    });
    let runs: Vec<String> = runs.collect();
    match &*runs {
        [] => "unknown years".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn present() -> u32 {
    u32::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

async fn add(registers: &Registers, imports: &Imports, set: &FigureSet) -> Result<String> {
    let done = imports.announced(set);
    if imports.same(set).is_some() {
        return Ok(done);
    }
    let from = &set.provenance;
    registers
        .add_imported(&ImportedRow {
            number: imports.next,
            kind: set.figures.kind().to_owned(),
            source: from.source.clone(),
            source_date: from.date.to_string(),
            licence: from.licence.clone(),
            imported_by: from.imported_by.clone(),
            imported_at: present(),
            hash: set.hash(),
            content: set.to_json(),
        })
        .await?;
    Ok(done)
}

/// Imports the example figures, except those that were imported before, and those of years of which
/// there are others.
pub async fn add_examples(registers: &Registers) -> Result<()> {
    for (name, provenance) in EXAMPLES {
        let set = sources::read_set(provenance, example_rows).context(name)?;
        let imports = Imports::read(registers).await?;
        if !imports.hashes.contains(&set.hash()) && !imports.has_years_of(&set) {
            add(registers, &imports, &set).await?;
        }
    }
    Ok(())
}

fn example_rows(file: &str) -> Result<String, SourceError> {
    let mut rows = EXAMPLE_ROWS.iter();
    match rows.find(|(name, _)| *name == file) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => Err(SourceError::Rows(format!(
            "{file} is not among the examples"
        ))),
    }
}

async fn remove(registers: &Registers, imports: &Imports, number: u32) -> Result<String> {
    let kept = imports.kept.iter().find(|kept| kept.row.number == number);
    let Some(kept) = kept else {
        bail!("there is no import {number}: `affluenza import figures --list` prints all");
    };
    registers
        .add_imported(&ImportedRow {
            number: imports.next,
            kind: REMOVAL.to_owned(),
            imported_at: present(),
            hash: String::new(),
            content: number.to_string(),
            ..kept.row.clone()
        })
        .await?;
    let name = &kept.name;
    Ok(format!(
        "{name}: import {number} is taken back, and kept as history"
    ))
}

/// Returns the figures for the report of a year: for each year of a kind or table those of the last
/// import.
pub async fn in_force(registers: &Registers, year: i16) -> Result<Vec<FigureSet>> {
    Imports::read(registers).await?.in_force(year)
}

impl Imports {
    fn in_force(self, year: i16) -> Result<Vec<FigureSet>> {
        let mut sets = Vec::new();
        for kept in self.kept {
            let is_needed = kept.is_needed(year) || kept.given.is_empty();
            let number = kept.row.number;
            match kept.set {
                Ok(mut set) if !kept.years.is_empty() => {
                    set.figures.retain_years(|year| kept.years.contains(&year));
                    sets.push(set);
                }
                Err(cause) if is_needed => {
                    return Err(cause).with_context(|| {
                        format!(
                            "import {number} of other figures, {} of {}, cannot be read: import them again, and take it back with --remove {number}",
                            kept.name,
                            joined(&kept.given)
                        )
                    });
                }
                _ => {}
            }
        }
        // The order of names keeps the report the same when figures are imported in another order.
        sets.sort_by_cached_key(|set| set.figures.name());
        Ok(sets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alerts(years: &[i16]) -> FigureSet {
        let years: Vec<String> = years.iter().map(i16::to_string).collect();
        let alerts = vec!["2"; years.len()].join(",");
        let text = "kind = \"probe-alerts\"\nfile = \"a.csv\"\nsource = \"s\"\ndate = \"2018-03-01\"\nimported_by = \"i\"\nlicence = \"l\"\n";
        let csv = format!("month,{}\n1,{alerts}\n", years.join(","));
        sources::read_set(text, |_| Ok::<_, SourceError>(csv.clone())).unwrap()
    }

    fn row(number: u32, set: &FigureSet) -> ImportedRow {
        ImportedRow {
            number,
            kind: set.figures.kind().to_owned(),
            source: String::new(),
            source_date: String::new(),
            licence: String::new(),
            imported_by: String::new(),
            imported_at: 0,
            hash: set.hash(),
            content: set.to_json(),
        }
    }

    #[test]
    fn figures_that_are_in_use_are_not_imported_again() {
        let [first, second, both] = [&[2016][..], &[2017], &[2016, 2017]].map(alerts);
        let imports = Imports::of(vec![row(1, &first), row(2, &second)]);
        assert!(imports.same(&first).is_some() && imports.same(&second).is_some());
        assert!(imports.has_years_of(&both) && imports.same(&both).is_none());
        let replaced = Imports::of(vec![row(1, &both), row(2, &second)]);
        assert!(replaced.same(&both).is_none());
        let removal = ImportedRow {
            number: 2,
            kind: REMOVAL.to_owned(),
            hash: String::new(),
            content: "1".to_owned(),
            ..row(1, &first)
        };
        let removed = Imports::of(vec![row(1, &first), removal]);
        assert!(removed.same(&first).is_none() && !removed.has_years_of(&first));
        assert!(removed.hashes.contains(&first.hash()));
    }

    #[test]
    fn an_unreadable_import_fails_only_reports_that_need_it() {
        let set = alerts(&[2016]);
        let unreadable = |content: &str| ImportedRow {
            content: content.to_owned(),
            ..row(1, &set)
        };
        let old = unreadable("{\"kind\":\"probe-alerts\",\"rows\":[{\"year\":2016,\"count\":1}]}");
        let imports = Imports::of(vec![old.clone()]);
        assert!(imports.listed().contains("probe-alerts, cannot be read"));
        let error = imports.in_force(2016).unwrap_err().to_string();
        assert!(error.contains("--remove 1"), "{error}");
        assert!(Imports::of(vec![old.clone()]).in_force(2015).is_ok());
        let sets = Imports::of(vec![old, row(2, &set)]).in_force(2016);
        assert_eq!(sets.unwrap(), std::slice::from_ref(&set));
        assert!(Imports::of(vec![unreadable("{")]).in_force(2016).is_err());
    }

    #[test]
    fn only_years_in_a_row_are_a_range() {
        for (years, text) in [
            (&[2017][..], "2017"),
            (&[2016, 2017], "2016 and 2017"),
            (&[2013, 2015, 2016], "2013, 2015 and 2016"),
            (&[2011, 2013, 2014, 2015], "2011 and 2013 to 2015"),
        ] {
            assert_eq!(joined(&years.iter().copied().collect()), text);
        }
    }
}
