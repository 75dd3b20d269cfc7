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

use crate::args::ImportFigures;
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
        fs::read_to_string(&rows).map_err(|error| {
            SourceError::Rows(format!("{} cannot be read: {error}", rows.display()))
        })
    })
    .with_context(|| file.display().to_string())
}

/// An import that was not taken back.
struct KeptImport {
    row: ImportedRow,
    set: FigureSet,
    /// Years of which no later import has figures of the name.
    years: BTreeSet<i16>,
}

/// All imports, oldest first.
struct Imports {
    kept: Vec<KeptImport>,
    /// Number of the next row.
    next: u32,
}

impl Imports {
    async fn read(registers: &Registers) -> Result<Self> {
        let rows = registers.imported().await?;
        let next = rows.last().map_or(0, |row| row.number) + 1;
        let (removals, rows): (Vec<ImportedRow>, Vec<ImportedRow>) =
            rows.into_iter().partition(|row| row.kind == REMOVAL);
        let removed: BTreeSet<&str> = removals.iter().map(|row| &*row.content).collect();
        let mut later: BTreeMap<String, BTreeSet<i16>> = BTreeMap::new();
        let mut kept = Vec::new();
        for row in rows.into_iter().rev() {
            if removed.contains(&*row.number.to_string()) {
                continue;
            }
            let set = FigureSet::from_json(&row.content).with_context(|| {
                format!(
                    "import {} of other figures cannot be read: import them again",
                    row.number
                )
            })?;
            let later = later.entry(set.figures.name()).or_default();
            let years: BTreeSet<i16> = set.figures.years().difference(later).copied().collect();
            later.extend(&years);
            kept.push(KeptImport { row, set, years });
        }
        kept.reverse();
        Ok(Self { kept, next })
    }

    /// Returns the last import of the same name that is used.
    fn newest(&self, set: &FigureSet) -> Option<&KeptImport> {
        let name = set.figures.name();
        let mut newest = self.kept.iter().rev();
        newest.find(|kept| kept.set.figures.name() == name && !kept.years.is_empty())
    }

    /// Returns a line about the import of a set.
    fn announced(&self, set: &FigureSet) -> String {
        let (name, hash) = (set.figures.name(), set.hash());
        if let Some(same) = self.newest(set).filter(|newest| newest.row.hash == hash) {
            let number = same.row.number;
            return format!("{name}: nothing has changed since import {number}");
        }
        let years = set.figures.years();
        let of_name = self
            .kept
            .iter()
            .filter(|kept| kept.set.figures.name() == name);
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
            let KeptImport { row, set, years } = kept;
            let used = match years.is_empty() {
                true => "replaced by later imports".to_owned(),
                false => format!("used for {}", joined(years)),
            };
            format!(
                "import {}: {}, {} rows, {}, {}, by {}: {used}",
                row.number,
                set.figures.name(),
                set.figures.len(),
                row.source,
                row.source_date,
                row.imported_by
            )
        });
        match self.kept.is_empty() {
            true => "no figures are imported".to_owned(),
            false => lines.collect::<Vec<_>>().join("\n"),
        }
    }
}

fn joined(years: &BTreeSet<i16>) -> String {
    match (years.first(), years.last()) {
        (Some(first), Some(last)) if years.len() > 2 => format!("{first} to {last}"),
        _ => {
            let years = years.iter().map(i16::to_string);
            years.collect::<Vec<_>>().join(" and ")
        }
    }
}

fn present() -> u32 {
    u32::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

async fn add(registers: &Registers, imports: &Imports, set: &FigureSet) -> Result<String> {
    let hash = set.hash();
    let done = imports.announced(set);
    if imports
        .newest(set)
        .is_some_and(|newest| newest.row.hash == hash)
    {
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
            hash,
            content: set.to_json(),
        })
        .await?;
    Ok(done)
}

/// Imports the example figures, as far as they are not there yet.
pub async fn add_examples(registers: &Registers) -> Result<()> {
    for (name, provenance) in EXAMPLES {
        let rows = |file: &str| {
            let mut rows = EXAMPLE_ROWS.iter();
            let rows = rows.find(|(name, _)| *name == file);
            let missing = || SourceError::Rows(format!("{file} is not among the examples"));
            rows.map(|(_, text)| (*text).to_owned()).ok_or_else(missing)
        };
        let set = sources::read_set(provenance, rows).context(name)?;
        add(registers, &Imports::read(registers).await?, &set).await?;
    }
    Ok(())
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
    let name = kept.set.figures.name();
    Ok(format!(
        "{name}: import {number} is taken back, and kept as history"
    ))
}

/// Returns the figures to use: for each year of a kind or table those of the last import.
pub async fn in_force(registers: &Registers) -> Result<Vec<FigureSet>> {
    let kept = Imports::read(registers).await?.kept.into_iter();
    let sets = kept.filter(|kept| !kept.years.is_empty()).map(|kept| {
        let mut set = kept.set;
        set.figures.retain_years(|year| kept.years.contains(&year));
        set
    });
    let mut sets: Vec<FigureSet> = sets.collect();
    // The order of names keeps the report the same when figures are imported in another order.
    sets.sort_by_cached_key(|set| set.figures.name());
    Ok(sets)
}
