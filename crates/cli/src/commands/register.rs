use std::collections::BTreeMap;
use std::path::Path;

use affluenza_classify::hours::{Calendar, Holiday, MonthDay};
use affluenza_register::diff::diff;
use affluenza_register::{Register, Validity};
use affluenza_store::register::{RegisterTable, UnregisteredSender, UsageByCode};
use affluenza_store::{Registers, Store};
use anyhow::Result;
use jiff::Span;
use jiff::civil::{Date, Weekday, date};
use serde::Serialize;
use serde_json::json;

use super::register_files::RegisterFiles;
use super::rows::Rows;
use crate::args::{self, Lines};
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

/// Years whose holidays are loaded, beginning with the earliest day that can be stored.
const HOLIDAY_YEARS: std::ops::RangeInclusive<i16> = 1970..=2099;

pub fn run(settings: &Settings, what: &args::RegisterCommand) -> Result<()> {
    match what {
        args::RegisterCommand::Check { file, format } => {
            let register = read(settings, file.as_deref())?;
            output::print_as(*format, &summary(&register), &counts(&register))
        }
        args::RegisterCommand::Diff {
            before,
            after,
            format,
        } => {
            let before = RegisterFiles::read(before).register?;
            let after = read(settings, after.as_deref())?;
            let changes = diff(&before, &after);
            let (before, after) = (before.version(), after.version());
            let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
            let mut lines = changes.clone();
            lines.push(format!(
                "{} differences, register {before} -> {after}",
                changes.len()
            ));
            let value = json!({ "before": before, "after": after, "differences": changes });
            output::print_as(*format, &lines.join("\n"), &value)
        }
        args::RegisterCommand::Import(import) => super::public_index::run(import),
        args::RegisterCommand::Apply => apply(settings, &super::register(settings)?),
        args::RegisterCommand::Unresolved { limit, all, format } => {
            let limit = if *all { usize::MAX } else { *limit };
            unresolved(settings, &super::register(settings)?, limit, *format)
        }
    }
}

/// Reads a file, or the configured register.
fn read(settings: &Settings, file: Option<&Path>) -> Result<Register> {
    match file {
        Some(file) => RegisterFiles::read(file).register,
        None => super::register(settings),
    }
}

fn summary(register: &Register) -> String {
    format!(
        "register {}: {} enti, {} portals, {} categories, {} services, {} deployments",
        register.version(),
        register.enti().len(),
        register.portals().len(),
        register.categories().len(),
        register.services().len(),
        register.deployments().count()
    )
}

fn counts(register: &Register) -> serde_json::Value {
    json!({
        "version": register.version(),
        "enti": register.enti().len(),
        "portals": register.portals().len(),
        "categories": register.categories().len(),
        "services": register.services().len(),
        "deployments": register.deployments().count(),
    })
}

fn apply(settings: &Settings, register: &Register) -> Result<()> {
    let version = register.version();
    let before = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        let before = store.registers().current().await?;
        load(store.registers(), register).await?;
        Ok(before)
    })?;
    let note = match before {
        Some(before) if before == version => "active as before".to_owned(),
        Some(before) => format!(
            "active instead of {before}; facts keep their classification until `affluenza rebuild`"
        ),
        None => "active".to_owned(),
    };
    output::print(&format!("{}; {note}", summary(register)))
}

/// Writes the register to the tables of ClickHouse, and activates it.
pub async fn load(registers: &Registers, register: &Register) -> Result<()> {
    let version = register.version();
    for (table, rows) in tables(register) {
        registers.put(table, version, rows).await?;
    }
    Ok(registers.activate(version).await?)
}

/// Returns the register as rows, one JSON object a line.
fn tables(register: &Register) -> [(RegisterTable, String); 6] {
    [
        (RegisterTable::Enti, enti(register)),
        (RegisterTable::Services, services(register)),
        (RegisterTable::Deployments, deployments(register)),
        (RegisterTable::NationalHolidays, national_holidays(register)),
        (RegisterTable::Holidays, patron_saints(register)),
        (RegisterTable::DeskHours, desk_hours(register)),
    ]
}

fn enti(register: &Register) -> String {
    lines(register.enti().map(|ente| {
        let population = ente.population();
        let (valid_from, valid_to) = days(ente.validity());
        json!({
            "version": register.version(), "code": ente.code(), "name": ente.name(),
            "kind": ente.kind().to_string(), "istat": ente.istat().unwrap_or_default(),
            "belfiore": ente.belfiore().unwrap_or_default(),
            "zone": ente.zone().name(),
            "inhabitants": population.map_or(0, |it| it.inhabitants),
            "inhabitants_year": population.map_or(0, |it| it.year),
            "inhabitants_source": population.and_then(|it| it.source.as_deref()).unwrap_or_default(),
            "members": ente.members(),
            "aliases": ente.aliases(), "valid_from": valid_from, "valid_to": valid_to,
            "successor": ente.successor().unwrap_or_default(),
            "patron": ente.patron().map_or_else(String::new, |day| day.to_string()),
        })
    }))
}

fn services(register: &Register) -> String {
    let rows = register.services().flat_map(|service| {
        service
            .categories()
            .filter_map(|(validity, category)| {
                let (valid_from, valid_to) = days(validity.intersection(&service.validity())?);
                Some(json!({
                    "version": register.version(), "code": service.code(), "name_it": service.name_it(),
                    "name_en": service.name_en().unwrap_or_default(), "category": category.code(),
                    "category_name_it": category.name_it(), "category_name_en": category.name_en(),
                    "nature": service.nature().to_string(), "subject": service.subject().unwrap_or_default(),
                    "life_event": service.life_event().unwrap_or_default(),
                    "valid_from": valid_from, "valid_to": valid_to,
                }))
            })
    });
    lines(rows)
}

fn deployments(register: &Register) -> String {
    lines(register.deployments().map(|offer| {
        let (valid_from, valid_to) = days(offer.validity);
        json!({
            "version": register.version(), "ente": offer.ente.code(), "service": offer.service.code(),
            "nature": offer.nature.to_string(), "valid_from": valid_from, "valid_to": valid_to,
        })
    }))
}

fn holiday_days() -> impl Iterator<Item = Date> {
    let first = date(*HOLIDAY_YEARS.start(), 1, 1);
    let days = first.series(Span::new().days(1));
    days.take_while(|day| day.year() <= *HOLIDAY_YEARS.end())
}

fn national_holidays(register: &Register) -> String {
    lines(holiday_days().filter_map(|day| {
        let holiday = Holiday::national(day)?;
        Some(json!({
            "version": register.version(), "day": day.to_string(), "holiday": holiday.to_string(),
        }))
    }))
}

/// Returns the days of patron saints that are not national holidays. Thousands of enti share a few
/// hundred saints: a row has all enti of a saint, and ClickHouse multiplies them by the days.
fn patron_saints(register: &Register) -> String {
    let mut enti: BTreeMap<MonthDay, Vec<&str>> = BTreeMap::new();
    for ente in register.enti() {
        if let Some(patron) = ente.patron() {
            enti.entry(patron).or_default().push(ente.code());
        }
    }
    lines(enti.into_iter().map(|(patron, enti)| {
        let calendar = Calendar {
            patron: Some(patron),
        };
        // 29 February is not in every year.
        let days = HOLIDAY_YEARS.filter_map(|year| format!("{year}-{patron}").parse::<Date>().ok());
        let days = days.filter(|day| calendar.holiday(*day) == Some(Holiday::PatronSaint));
        let days: Vec<String> = days.map(|day| day.to_string()).collect();
        json!({
            "version": register.version(), "enti": enti, "days": days,
            "holiday": Holiday::PatronSaint.to_string(),
        })
    }))
}

fn desk_hours(register: &Register) -> String {
    let openings = register.enti().flat_map(|ente| {
        let desk = ente.desk();
        Weekday::Monday
            .cycle_forward()
            .take(7)
            .flat_map(move |weekday| {
                let openings = desk.map_or(&[][..], |desk| desk.openings(weekday));
                openings
                    .iter()
                    .map(move |opening| (ente, weekday, *opening))
            })
    });
    lines(openings.map(|(ente, weekday, (opens, closes))| {
        json!({
            "version": register.version(), "ente": ente.code(), "weekday": weekday.to_monday_one_offset(),
            "opens": opens, "closes": closes,
        })
    }))
}

fn lines(rows: impl Iterator<Item = serde_json::Value>) -> String {
    rows.map(|row| format!("{row}\n")).collect()
}

/// Returns the first day and the day after the last. An open end becomes a date that ClickHouse can
/// hold.
fn days(validity: Validity) -> (String, String) {
    let (from, to) = (validity.from, validity.to);
    (
        from.map_or_else(|| "1900-01-01".to_owned(), |day| day.to_string()),
        to.map_or_else(|| "2299-12-31".to_owned(), |day| day.to_string()),
    )
}

/// Code that the register does not know, or that a rebuild would resolve.
#[derive(Serialize)]
struct Unresolved {
    /// `ente`, `portal` or `service`; `rebuild` if the register knows all of them by now.
    unknown: &'static str,
    ente: String,
    portal: String,
    service: String,
    events: u64,
    first_day: String,
    last_day: String,
}

/// Codes beyond the limit of the list.
#[derive(Default)]
struct Rest {
    codes: u64,
    events: u64,
}

fn unresolved(settings: &Settings, register: &Register, limit: usize, format: Lines) -> Result<()> {
    let (mut listed, mut rest) = (Vec::new(), Rest::default());
    let senders = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        let take = |used: UsageByCode| match unknown(register, &used) {
            Some(unknown) if listed.len() < limit => listed.push(Unresolved {
                unknown,
                ente: used.ente,
                portal: used.portal,
                service: used.service,
                events: used.events,
                first_day: used.first_day,
                last_day: used.last_day,
            }),
            Some(_) => {
                rest.codes += 1;
                rest.events += used.events;
            }
            None => {}
        };
        store.usage().each_code(take).await?;
        Ok(match rest.codes {
            0 => Vec::new(),
            _ => store.usage().senders_of_codes().await?,
        })
    })?;
    let mut rows = Rows::to_stdout(format);
    for row in &listed {
        rows.write(row)?;
    }
    rows.finish()?;
    if listed.is_empty() && rest.codes == 0 {
        output::say("every code is known");
    }
    if rest.codes > 0 {
        let Rest { codes, events } = rest;
        output::say(&format!(
            "{codes} further codes with {events} events are not listed; `--all` lists them"
        ));
    }
    for UnregisteredSender {
        ente,
        portal,
        codes,
        events,
    } in senders
    {
        output::say(&format!(
            "portal {portal} of {ente} sent {codes} different codes of services in {events} events"
        ));
    }
    Ok(())
}

/// Returns the unknown part of a usage; `rebuild` if the facts are outdated and the register knows
/// all parts.
fn unknown(register: &Register, used: &UsageByCode) -> Option<&'static str> {
    let Some(ente) = register.ente(&used.ente) else {
        return Some("ente");
    };
    if !used.service.is_empty() && register.service(&used.service).is_none() {
        return Some("service");
    }
    if used.unregistered != 0 || ente.code() != used.ente {
        return Some("rebuild");
    }
    // The portals of an ente without any in the register are not checked.
    let has_portals = !register.portals_of(ente).is_empty();
    (has_portals && register.portal(ente, &used.portal).is_none()).then_some("portal")
}
