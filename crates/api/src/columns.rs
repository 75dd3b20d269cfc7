//! Columns of the answers: type, unit, meaning, and heading in Italian. Units of an answer, schemas of
//! its rows and headings of its CSV follow from this list.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::question::{Measure, Resource};

/// Type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnKind {
    /// A code, which each row has.
    Code,
    /// A name or another text.
    Text,
    Count,
    Difference,
    Ratio,
}

struct Column {
    name: &'static str,
    kind: ColumnKind,
    /// Unit of a figure; empty for the unit of the measure.
    unit: &'static str,
    meaning: &'static str,
    heading_it: &'static str,
}

/// Declares the columns.
macro_rules! columns {
    ($($name:literal $kind:ident $unit:literal $meaning:literal $heading_it:literal;)+) => {
        const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            kind: ColumnKind::$kind,
            unit: $unit,
            meaning: $meaning,
            heading_it: $heading_it,
        },)+];
    };
}

columns! {
    "category" Code "" "Code of the category." "Codice categoria";
    "category_name_it" Text "" "Italian name of the category." "Categoria";
    "category_name_en" Text "" "English name of the category." "Categoria (inglese)";
    "ente" Code "" "Code of the public body, or `unregistered`." "Codice ente";
    "ente_name" Text "" "Name of the public body." "Ente";
    "service" Code "" "Code of the service, or `unregistered`; empty without a service." "Codice servizio";
    "service_name_it" Text "" "Italian name of the service." "Servizio";
    "service_name_en" Text "" "English name of the service." "Servizio (inglese)";
    "kind" Code "" "Kind of use: plain, payment, booking, or none for an access." "Tipo";
    "portal" Code "" "Code of the portal, or `unregistered`." "Portale";
    "portal_kind" Code "" "Kind of the portal: civic (civic network), services (area of services), app, or unknown." "Tipo di portale";
    "device" Code "" "Class of the device." "Dispositivo";
    "login" Code "" "Login method." "Accesso con";
    "channel" Code "" "Channel of the event." "Canale";
    "country" Code "" "ISO 3166-1 code of the country; empty if unknown." "Paese";
    "hour" Code "" "Local hour, 0 to 23." "Ora";
    "band" Code "" "Band of the day: night, office or evening." "Fascia";
    "weekday" Code "" "Day of the week; 1 is Monday." "Giorno della settimana";
    "day" Code "" "Local day, `YYYY-MM-DD`." "Giorno";
    "month" Code "" "Local month, `YYYY-MM`." "Mese";
    "year" Code "" "Local year, `YYYY`." "Anno";
    "minute" Code "" "Start of the minute, RFC 3339 in UTC." "Minuto";
    "state" Text "" "Presence in both periods (new, vanished, both); of variations also by the register." "Stato";
    "nature" Code "" "Kind of the service." "Natura";
    "subject" Text "" "Subject of the service." "Argomento";
    "life_event" Text "" "Life event of the service." "Evento della vita";
    "valid_from" Text "" "First day in the register." "Valido dal";
    "valid_to" Text "" "Day after the last one in the register." "Valido fino al";
    "service_uses" Count "completed service uses" "Completed service uses." "Utilizzi";
    "of_which_plain" Count "completed service uses" "Uses that are neither payments nor bookings." "di cui semplici";
    "of_which_payments" Count "completed service uses" "Payments." "di cui pagamenti";
    "of_which_bookings" Count "completed service uses" "Bookings." "di cui prenotazioni";
    "accesses" Count "accesses to pages and areas" "Accesses to pages and areas." "Accessi";
    "events" Count "events" "All events." "Eventi";
    "users" Count "visitor-days" "Distinct visitors of each day and ente, summed over days and enti." "Visitatori-giorno";
    "visitors" Count "visitors" "Distinct visitors of the minute." "Visitatori";
    "users_hours" Count "visitor-hours" "Distinct visitors of each hour, summed over the hours." "Visitatori-ora";
    "users_per_hour_mean" Ratio "visitors per hour" "Visitor-hours divided by the hours that existed." "Visitatori per ora";
    "hours_existing" Ratio "hours" "Hours that existed, changes of the clock included." "Ore esistenti";
    "from_hour" Count "local hour" "First hour of the band." "Dalle ore";
    "to_hour" Count "local hour" "Hour after the last one of the band." "Alle ore";
    "before" Count "" "Count of the other period." "Periodo di confronto";
    "difference" Difference "" "Change from the other period." "Differenza";
    "change_percent" Ratio "percent" "Change from the other period." "Variazione %";
    "share_percent" Ratio "percent" "Share of the total." "Quota %";
    "enti" Count "public bodies" "Number of public bodies." "Enti";
    "services" Count "services" "Number of services." "Servizi";
    "services_offered" Count "services" "Services offered on any day of the period." "Servizi offerti";
    "services_used" Count "services" "Offered services that were used." "Servizi utilizzati";
    "services_unused" Count "services" "Offered services that were not used." "Servizi non utilizzati";
    "used_share_percent" Ratio "percent" "Share of the offered services that were used." "Quota utilizzata %";
    "services_used_unregistered" Count "services" "Used services that the register does not offer." "Servizi utilizzati non in registro";
    "days_with_data" Count "days" "Days of the period with at least one event." "Giorni con dati";
    "days_missing" Count "days" "Days in pauses that are unusually long for the public body." "Giorni mancanti";
    "gaps" Text "" "The longest of these pauses." "Interruzioni";
}

fn column(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name)
}

/// Returns the unit of each column that holds figures.
pub(crate) fn units(columns: &[&'static str], measure: Measure) -> BTreeMap<String, String> {
    let known = columns.iter().filter_map(|name| column(name));
    let figures = known.filter(|column| column.kind.is_figure());
    let units = figures.map(|column| {
        let unit = match column.unit {
            "" => measure.unit(),
            unit => unit,
        };
        (column.name.to_owned(), unit.to_owned())
    });
    units.collect()
}

/// Returns the Italian heading of a column.
pub(crate) fn heading_it(name: &'static str) -> &'static str {
    column(name).map_or(name, |column| column.heading_it)
}

impl ColumnKind {
    const fn is_figure(self) -> bool {
        matches!(self, Self::Count | Self::Difference | Self::Ratio)
    }
}

impl Column {
    fn schema(&self) -> Json {
        let (of, meaning) = (self.unit, self.meaning);
        let unit = match self.kind.is_figure() {
            true if of.is_empty() => " Unit: that of the measure.".to_owned(),
            true => format!(" Unit: {of}."),
            false => String::new(),
        };
        let mut schema = match self.kind {
            ColumnKind::Code => json!({ "type": "string", "maxLength": 200 }),
            ColumnKind::Text => json!({ "type": ["string", "null"], "maxLength": 1000 }),
            ColumnKind::Count => {
                json!({ "type": ["integer", "null"], "format": "int64", "minimum": 0 })
            }
            ColumnKind::Difference => json!({ "type": ["integer", "null"], "format": "int64" }),
            ColumnKind::Ratio => json!({ "type": ["number", "null"], "format": "double" }),
        };
        schema["description"] = json!(format!("{meaning}{unit}"));
        schema
    }
}

/// Returns the schema of an object with these columns, each list being those of one form of it.
pub(crate) fn schema(forms: &[Vec<&'static str>], description: &str) -> Json {
    let has = |name: &str| forms.iter().filter(|form| form.contains(&name)).count();
    let used = COLUMNS.iter().filter(|column| has(column.name) > 0);
    let required = used
        .clone()
        .filter(|column| has(column.name) == forms.len());
    let required: Vec<&str> = required.map(|column| column.name).collect();
    let mut properties: serde_json::Map<String, Json> = used
        .map(|column| (column.name.to_owned(), column.schema()))
        .collect();
    let notes = json!({
        "type": "object",
        "description": "Reason of each value that is null: `n.d.` (a base of zero) or `suppressed`; and the number of codes that `unregistered` stands for.",
        "additionalProperties": { "type": "string", "maxLength": 100 }
    });
    properties.insert("notes".to_owned(), notes);
    let mut schema = json!({
        "type": "object",
        "description": description,
        "additionalProperties": false,
        "properties": properties
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Returns the schema of the totals, which have figures only.
pub(crate) fn totals_schema() -> Json {
    let figures = COLUMNS.iter().filter(|column| column.kind.is_figure());
    let forms: Vec<Vec<&str>> = figures.map(|column| vec![column.name]).collect();
    schema(&forms, "Figures over all rows, on all pages.")
}

/// Returns the name of a resource in names of schemas.
pub(crate) fn schema_name(resource: Resource) -> String {
    let words = resource.path().split('-');
    let words = words.map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}
