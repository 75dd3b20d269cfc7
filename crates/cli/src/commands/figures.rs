//! Imports figures of other sources, and reads them for the report.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use affluenza_report::sources::{self, FigureSet, SourceError};
use affluenza_store::imported::ImportedRow;
use affluenza_store::{Registers, Store};
use affluenza_words::Language;
use anyhow::{Context, Result};
use jiff::Timestamp;

use crate::args::ImportFigures;
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

pub fn import(settings: &Settings, args: &ImportFigures) -> Result<()> {
    let set = read(&args.file)?;
    let register = super::register(settings)?;
    let doubts = sources::check(&set, &register);
    let added = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        add(&store, &set).await
    })?;
    for doubt in &doubts {
        output::say(&doubt.sentence(Language::EN));
    }
    output::print(&added)
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

async fn add(store: &Store, set: &FigureSet) -> Result<String> {
    store.admin().check_schema().await?;
    let rows = store.registers().imported().await?;
    let (kind, hash) = (set.figures.kind(), set.hash());
    let in_force = rows.iter().rev().find(|row| row.kind == kind);
    if let Some(row) = in_force.filter(|row| row.hash == hash) {
        return Ok(format!(
            "{kind}: nothing has changed since import {}",
            row.number
        ));
    }
    let number = rows.last().map_or(0, |row| row.number) + 1;
    let from = &set.provenance;
    store
        .registers()
        .add_imported(&ImportedRow {
            number,
            kind: kind.to_owned(),
            source: from.source.clone(),
            source_date: from.date.to_string(),
            licence: from.licence.clone(),
            imported_by: from.imported_by.clone(),
            imported_at: u32::try_from(Timestamp::now().as_second()).unwrap_or(0),
            hash,
            content: set.to_json(),
        })
        .await?;
    let replaced = in_force.map_or_else(String::new, |row| {
        format!(", in place of import {}, which is kept", row.number)
    });
    Ok(format!(
        "{kind}: {} rows from {}, import {number}{replaced}",
        set.figures.len(),
        from.source
    ))
}

/// Returns the latest import of each kind.
pub async fn in_force(registers: &Registers) -> Result<Vec<FigureSet>> {
    let rows = registers.imported().await?;
    let newest: BTreeMap<String, ImportedRow> = rows
        .into_iter()
        .map(|row| (row.kind.clone(), row))
        .collect();
    newest
        .values()
        .map(|row| {
            FigureSet::from_json(&row.content).with_context(|| {
                format!(
                    "import {} of other figures cannot be read: import them again",
                    row.number
                )
            })
        })
        .collect()
}
