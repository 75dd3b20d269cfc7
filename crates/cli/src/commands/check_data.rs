//! Checks figures for implausible values.

use std::fs;
use std::path::Path;

use affluenza_register::Register;
use affluenza_report::Report;
use affluenza_report::document::{Block, Document};
use affluenza_report::sources::{self, ImplausibleFigure, SourceError};
use affluenza_report::tables::Status;
use affluenza_store::Store;
use affluenza_words::Language;
use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::args::{CheckData, ReportArgs};
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

pub fn run(settings: &Settings, args: &CheckData) -> Result<()> {
    let language = args.lang;
    let register = super::register(settings)?;
    let mut findings = Vec::new();
    if let Some(folder) = &args.figures {
        findings.extend(of_folder(folder, &register, language)?);
    }
    if let Some(year) = args.year {
        let asked = ReportArgs::of_year(year, None, args.lang);
        let report = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
            let store = Store::new(&platform.store);
            let witness = super::chain::Witness::new(settings, store.admin());
            super::report::tables(&store, &register, &witness, &asked).await
        })?;
        findings.extend(of_report(&report, language));
    }
    let text = match findings.is_empty() {
        true => language.say("check-nothing", &[]),
        false => findings.join("\n"),
    };
    output::print_as(args.format, &text, &json!({ "findings": findings }))?;
    match findings.len() {
        0 => Ok(()),
        found => bail!("{found} finding(s)"),
    }
}

/// Returns the notices of a report, the doubts about other figures, and broken services.
fn of_report(report: &Report, language: Language) -> Vec<String> {
    let document = Document::new(report, language);
    let quality = document
        .sections
        .iter()
        .find(|section| section.id == "quality");
    let blocks = quality.into_iter().flat_map(|section| &section.blocks);
    let notes = blocks.filter_map(|block| match block {
        Block::Notes(notes) => Some(notes.clone()),
        _ => None,
    });
    let broken = report.service_status.iter();
    let broken = broken.filter(|row| row.status == Some(Status::Broken));
    let broken = broken.map(|row| {
        let name = row.name.shown(language);
        language.say("check-broken-service", &[("service", name.into())])
    });
    notes.flatten().chain(broken).collect()
}

/// Checks the files of a folder. Each finding begins with the name of its file.
fn of_folder(folder: &Path, register: &Register, language: Language) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("folder {} cannot be read", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let (mut findings, mut known) = (Vec::new(), 0);
    for name in &names {
        let file = folder.join(name);
        let Some(checked) = of_file(name, &file, register) else {
            continue;
        };
        known += 1;
        let doubts = checked.with_context(|| file.display().to_string())?;
        let sentences = doubts.iter().map(|doubt| doubt.sentence(language));
        findings.extend(sentences.map(|sentence| format!("{name}: {sentence}")));
    }
    if known == 0 {
        bail!(
            "{} holds none of usage_by_category.csv, deployments_YEAR.csv, credentials_by_year.csv, printed_changes.csv",
            folder.display()
        );
    }
    Ok(findings)
}

/// Returns the doubts about a file; `None` if its name is not one of the known ones.
fn of_file(
    name: &str,
    file: &Path,
    register: &Register,
) -> Option<Result<Vec<ImplausibleFigure>, SourceError>> {
    Some(match name {
        "usage_by_category.csv" => read(file).and_then(|text| sources::check_usage(&text)),
        "printed_changes.csv" => read(file).and_then(|text| sources::check_growth(&text)),
        "credentials_by_year.csv" => check_set(file, register, "identity-credentials", None),
        _ => {
            let year = name.strip_prefix("deployments_")?.strip_suffix(".csv")?;
            check_set(file, register, "active-services", Some(year.parse().ok()?))
        }
    })
}

fn read(file: &Path) -> Result<String, SourceError> {
    fs::read_to_string(file)
        .map_err(|error| SourceError::Rows(format!("it cannot be read: {error}")))
}

fn check_set(
    file: &Path,
    register: &Register,
    kind: &str,
    year: Option<i16>,
) -> Result<Vec<ImplausibleFigure>, SourceError> {
    let year = year.map_or_else(String::new, |year| format!("year = {year}\n"));
    let provenance = format!(
        "kind = \"{kind}\"\nsource = \"\"\ndate = \"9999-12-31\"\nimported_by = \"\"\nlicence = \"\"\nfile = \"\"\n{year}"
    );
    let set = sources::read_set(&provenance, |_| read(file))?;
    Ok(sources::check(&set, register))
}
