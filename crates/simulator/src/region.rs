//! A made-up region: a register of any number of bodies, and the figures of its years.
//!
//! The files are those that an operator writes by hand: a register as `affluenza register check`
//! reads it, and figures as [`TargetFigures::from_dir`] reads them. A simulation of them is a
//! simulation like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use affluenza_event::Kind;
use affluenza_register::EnteKind;
use rand::seq::index;
use rand::{Rng, RngExt};
use serde::Deserialize;
use thiserror::Error;

use crate::COUNT_MAX;
use crate::apportion::apportion;
use crate::figures::TargetFigures;
use crate::random::Seed;

/// Size of a made-up region.
#[derive(Debug, Clone)]
pub struct RegionSize {
    /// Number of bodies.
    pub enti: usize,
    /// Services in the catalogue, in twelve categories.
    pub services: usize,
    /// Mean number of services that a body offers; a large body offers more than a small one.
    pub deployments: usize,
    /// Completed service uses a year.
    pub uses: u64,
    /// Years with figures.
    pub years: BTreeSet<i16>,
}

/// Sizes for which there are no names, or no sense.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RegionError {
    /// The names do not suffice, or there is nothing to name.
    #[error("{count} {of}: write a number from 1 to {max}")]
    #[expect(missing_docs, reason = "the names say it")]
    Count {
        of: &'static str,
        count: u64,
        max: u64,
    },
    /// The year is outside the range of the figures.
    #[error("year {0}: write at least one year, each from 1970 to 2099")]
    Year(i16),
}

/// Files of a made-up region by name: `register.toml` with the CSV files that it names, and the
/// figures. The same seed and size give the same texts.
pub fn region_files(size: &RegionSize, seed: u64) -> Result<BTreeMap<String, String>, RegionError> {
    check(size)?;
    let catalogue = catalogue(size.services);
    let bodies = bodies(size, seed);
    let mut files = BTreeMap::from([
        ("register.toml".to_owned(), register_toml(&catalogue)),
        ("enti.csv".to_owned(), enti_csv(&bodies)),
        ("portals.csv".to_owned(), portals_csv(&bodies)),
        (
            "deployments.csv".to_owned(),
            deployments_csv(&bodies, &catalogue),
        ),
    ]);
    let mut by_category =
        "year,category,service_uses,of_which_payments,of_which_bookings\n".to_owned();
    for year in &size.years {
        let year = RegionYear::new(size, &catalogue, &bodies, Seed { seed, year: *year });
        year.write_categories(&mut by_category);
        let name = format!("usage_{}_by_ente.csv", year.year);
        files.insert(name, year.by_ente(&bodies));
        files.insert(format!("access_{}.csv", year.year), access_csv(size.uses));
    }
    files.insert("usage_by_category.csv".to_owned(), by_category);
    Ok(files)
}

fn check(size: &RegionSize) -> Result<(), RegionError> {
    let enti_max = STEMS.len() * ENDINGS.len() * PLACES.len();
    let services_max = categories().len() * OBJECTS * ACTIONS.len() * AUDIENCES.len();
    let bounds = [
        ("enti", size.enti as u64, enti_max as u64),
        ("services", size.services as u64, services_max as u64),
        ("deployments", size.deployments as u64, size.services as u64),
        ("uses", size.uses, COUNT_MAX / 24),
    ];
    for (of, count, max) in bounds {
        if !(1..=max).contains(&count) {
            return Err(RegionError::Count { of, count, max });
        }
    }
    let years = size.years.iter().copied();
    match years.clone().find(|year| !(1970..=2099).contains(year)) {
        Some(year) => Err(RegionError::Year(year)),
        None if size.years.is_empty() => Err(RegionError::Year(0)),
        None => Ok(()),
    }
}

/// A category, with Italian and English name.
#[derive(Deserialize)]
struct RegionCategory {
    category: String,
    name_it: String,
    name_en: String,
}

/// Object of services, such as a document or a tax.
#[derive(Deserialize)]
struct ServiceObject {
    category: String,
    object: String,
}

/// Objects in each category.
const OBJECTS: usize = 8;
/// Actions on an object, with the kind of their uses.
const ACTIONS: [(&str, Kind); 6] = [
    ("richiesta", Kind::Plain),
    ("pagamento", Kind::Payment),
    ("consultazione", Kind::Plain),
    ("prenotazione", Kind::Booking),
    ("iscrizione", Kind::Plain),
    ("dichiarazione", Kind::Plain),
];
const AUDIENCES: [&str; 4] = ["", "imprese", "minori", "non residenti"];

fn categories() -> Vec<RegionCategory> {
    listed(include_str!("../figures/focus-2017/categories.csv"))
}

/// Returns the rows of a file that is built into the program.
fn listed<T: for<'d> Deserialize<'d>>(text: &str) -> Vec<T> {
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize();
    rows.collect::<Result<_, _>>()
        .expect("a test reads the embedded files")
}

/// A service of the catalogue. Services are ordered by how often they are offered and used.
struct RegionService {
    code: String,
    name: String,
    /// Index of its category.
    category: usize,
    kind: Kind,
}

fn catalogue(services: usize) -> Vec<RegionService> {
    let categories = categories();
    let objects: Vec<ServiceObject> = listed(include_str!("../region/services.csv"));
    let mut objects_of = vec![Vec::new(); categories.len()];
    for ServiceObject { category, object } in &objects {
        let at = categories.iter().position(|it| it.category == *category);
        objects_of[at.expect("the category is listed")].push(object.as_str());
    }
    (0..services)
        .map(|number| RegionService::of(number, &categories, &objects_of))
        .collect()
}

impl RegionService {
    fn of(number: usize, categories: &[RegionCategory], objects_of: &[Vec<&str>]) -> Self {
        let category = number % categories.len();
        let round = number / categories.len();
        let (object, round) = (round % OBJECTS, round / OBJECTS);
        // Neighbouring objects have different actions, so that a small catalogue has all kinds.
        let (action, kind) = ACTIONS[(round + object) % ACTIONS.len()];
        let audience = AUDIENCES[round / ACTIONS.len()];
        let object = objects_of[category][object];
        let name = match audience {
            "" => format!("{object}: {action}"),
            audience => format!("{object}: {action} ({audience})"),
        };
        Self {
            code: format!("{}-{number:04}", categories[category].category),
            name,
            category,
            kind,
        }
    }
}

fn register_toml(catalogue: &[RegionService]) -> String {
    let mut text = "[files]\nenti = [\"enti.csv\"]\nportals = [\"portals.csv\"]\ndeployments = [\"deployments.csv\"]\n".to_owned();
    let categories = categories();
    for RegionCategory {
        category,
        name_it,
        name_en,
    } in &categories
    {
        let _ = write!(
            text,
            "\n[[category]]\ncode = \"{category}\"\nname_it = \"{name_it}\"\nname_en = \"{name_en}\"\n"
        );
    }
    for service in catalogue {
        let RegionService {
            code, name, kind, ..
        } = service;
        let category = &categories[service.category].category;
        let _ = write!(
            text,
            "\n[[service]]\ncode = \"{code}\"\nname_it = \"{name}\"\ncategory = \"{category}\"\nnature = \"{kind}\"\n"
        );
    }
    text
}

/// A made-up body. Bodies are ordered by their residents, the largest first.
struct Body {
    code: String,
    name: String,
    kind: EnteKind,
    residents: u64,
    /// Day of the patron saint, as the register writes it.
    patron: String,
    /// Services that it offers, as sorted indexes of the catalogue.
    services: Vec<usize>,
}

#[rustfmt::skip]
const STEMS: [&str; 32] = [
    "Castel", "Monte", "Rocca", "Borgo", "Villa", "Pieve", "Torre", "Ponte", "Campo", "Colle", "Poggio",
    "Fonte", "Badia", "Serra", "Valle", "Costa", "Selva", "Pietra", "Acqua", "Casal", "Terra", "Prato",
    "Bosco", "Fossa", "Riva", "Isola", "Porto", "Mura", "Chiusa", "Vigna", "Sasso", "Ripa",
];
#[rustfmt::skip]
const ENDINGS: [&str; 16] = [
    "fosco", "verde", "lungo", "bello", "forte", "grande", "sereno", "antico", "novo", "alto", "chiaro",
    "rosso", "bianco", "dolce", "vecchio", "ventoso",
];
#[rustfmt::skip]
const PLACES: [&str; 20] = [
    "", " in Valle", " al Monte", " sul Rivo", " di Sopra", " di Sotto", " al Lago", " in Piano",
    " alle Fonti", " del Bosco", " Marina", " Terme", " Scalo", " al Ponte", " in Colle", " alla Pieve",
    " Nuovo", " d'Oltremonte", " sul Crinale", " alle Vigne",
];

/// Bodies of the country whose sizes the formula of `residents` approaches.
const COUNTRY: f64 = 8_000.0;

/// Residents of a body of the country by its rank, from 1: three million in the largest, two
/// thousand in the median, 50 million together.
fn residents(rank: f64) -> u64 {
    let (half, quarter) = (rank.sqrt(), rank.sqrt().sqrt());
    // The power 7/8, by roots that give the same bits on every platform.
    (3e6 / (half * quarter * quarter.sqrt())) as u64
}

fn bodies(size: &RegionSize, seed: u64) -> Vec<Body> {
    let mut random = Seed { seed, year: 0 }.random("region");
    (0..size.enti)
        .map(|number| Body::of(number, size, &mut random))
        .collect()
}

impl Body {
    fn of(number: usize, size: &RegionSize, random: &mut impl Rng) -> Self {
        let (ending, place) = (number / STEMS.len(), number / STEMS.len() / ENDINGS.len());
        let place = PLACES[place];
        let name = format!(
            "{}{}{place}",
            STEMS[number % STEMS.len()],
            ENDINGS[ending % ENDINGS.len()]
        );
        let (kind, word, name) = match number {
            _ if number % 200 == 1 => (
                EnteKind::CittaMetropolitana,
                "citta",
                format!("Città metropolitana di {name}"),
            ),
            _ if number % 16 == 9 => (EnteKind::Unione, "unione", format!("Unione di {name}")),
            _ => (EnteKind::Comune, "comune", name),
        };
        let share = (number as f64 + 0.5) / size.enti as f64;
        // The largest body offers half as many services again as the mean, the smallest half.
        let offered = (size.deployments as f64 * (1.5 - share) + 0.5) as usize;
        let offered = offered.clamp(1, size.services);
        // Everybody offers the first services of the catalogue; the others are drawn.
        let common = offered.div_ceil(2);
        let drawn = index::sample(random, size.services - common, offered - common);
        let mut services: Vec<usize> = drawn.into_iter().map(|it| it + common).collect();
        services.extend(0..common);
        services.sort_unstable();
        Self {
            code: format!("{word}-{number:05}"),
            name,
            kind,
            residents: residents(0.5 + share * COUNTRY),
            patron: format!(
                "{:02}-{:02}",
                random.random_range(1..=12),
                random.random_range(1..=28)
            ),
            services,
        }
    }
}

fn enti_csv(bodies: &[Body]) -> String {
    let mut text = "code,name,kind,inhabitants,inhabitants_year,patron\n".to_owned();
    for body in bodies {
        let (code, name, kind, patron) = (&body.code, &body.name, body.kind, &body.patron);
        // The residents of a union are those of its municipalities.
        let _ = match kind {
            EnteKind::Comune => writeln!(
                text,
                "{code},{name},{kind},{},{RESIDENTS_YEAR},{patron}",
                body.residents
            ),
            _ => writeln!(text, "{code},{name},{kind},,,{patron}"),
        };
    }
    text
}

/// Year of the residents.
const RESIDENTS_YEAR: i16 = 2024;

fn portals_csv(bodies: &[Body]) -> String {
    let mut text = "code,name,ente,source,kind\n".to_owned();
    for Body { code, .. } in bodies {
        let _ = writeln!(
            text,
            "servizi-online,Servizi online,{code},https://servizi.{code}.example,services"
        );
    }
    text
}

fn deployments_csv(bodies: &[Body], catalogue: &[RegionService]) -> String {
    let mut text = "ente,service\n".to_owned();
    for body in bodies {
        for service in &body.services {
            let _ = writeln!(text, "{},{}", body.code, catalogue[*service].code);
        }
    }
    text
}

/// Uses of a body in a category, of one kind. The fields order the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RegionCell {
    ente: usize,
    category: usize,
    kind: Kind,
}

/// Figures of one year.
struct RegionYear {
    year: i16,
    uses: BTreeMap<RegionCell, u64>,
}

impl RegionYear {
    /// Divides the uses among the deployments. A body has uses in proportion to its residents, a
    /// service by its rank in the catalogue, and both differ by chance.
    fn new(size: &RegionSize, catalogue: &[RegionService], bodies: &[Body], seed: Seed) -> Self {
        let mut random = seed.random("region");
        let (mut cells, mut weights) = (Vec::new(), Vec::new());
        for (ente, body) in bodies.iter().enumerate() {
            for service in &body.services {
                let RegionService { category, kind, .. } = catalogue[*service];
                cells.push(RegionCell {
                    ente,
                    category,
                    kind,
                });
                let chance = random.random_range(0.6..1.4);
                weights.push(body.residents as f64 / (*service as f64 + 8.0) * chance);
            }
        }
        let mut uses: BTreeMap<RegionCell, u64> = BTreeMap::new();
        for (cell, count) in cells.into_iter().zip(apportion(size.uses, &weights)) {
            *uses.entry(cell).or_default() += count;
        }
        Self {
            year: seed.year,
            uses,
        }
    }

    fn write_categories(&self, text: &mut String) {
        for (category, RegionCategory { category: code, .. }) in categories().iter().enumerate() {
            let _ = writeln!(
                text,
                "{},{code},{},{},{}",
                self.year,
                self.uses_of(category, &[Kind::Plain, Kind::Payment, Kind::Booking]),
                self.uses_of(category, &[Kind::Payment]),
                self.uses_of(category, &[Kind::Booking])
            );
        }
    }

    fn uses_of(&self, category: usize, kinds: &[Kind]) -> u64 {
        let cells = self.uses.iter();
        let cells = cells.filter(|(it, _)| it.category == category && kinds.contains(&it.kind));
        cells.map(|(_, uses)| uses).sum()
    }

    fn by_ente(&self, bodies: &[Body]) -> String {
        let categories = categories();
        let mut text = "ente,category,kind,service_uses\n".to_owned();
        for (cell, uses) in self.uses.iter().filter(|(_, uses)| **uses > 0) {
            let (ente, category) = (&bodies[cell.ente].code, &categories[cell.category].category);
            let _ = writeln!(text, "{ente},{category},{},{uses}", cell.kind);
        }
        text
    }
}

/// Users a use, hours and devices are those of the printed year.
fn access_csv(uses: u64) -> String {
    let printed = TargetFigures::focus(2017).expect("a test reads both years");
    let factor = uses as f64 / printed.service_uses() as f64;
    let access = printed.access.expect("the year has them");
    let mut text = format!(
        "measure,value\ndesktop_share_percent,{}\n",
        access.desktop_percent
    );
    for band in access.bands {
        let (from, to) = (band.hours.start, band.hours.end);
        let _ = writeln!(
            text,
            "mean_users_per_hour_{from:02}_{to:02},{}",
            band.mean_users * factor
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size() -> RegionSize {
        RegionSize {
            enti: 29,
            services: 60,
            deployments: 20,
            uses: 5_000,
            years: BTreeSet::from([2024]),
        }
    }

    #[test]
    fn names_suffice_up_to_the_limits_and_no_two_are_alike() {
        let all = RegionSize {
            enti: STEMS.len() * ENDINGS.len() * PLACES.len(),
            services: categories().len() * OBJECTS * ACTIONS.len() * AUDIENCES.len(),
            ..size()
        };
        let names = |names: Vec<String>| names.iter().collect::<BTreeSet<_>>().len();
        let services = catalogue(all.services);
        let names_of_services = services.into_iter().map(|it| (it.category, it.name));
        let names_of_services: BTreeSet<_> = names_of_services.collect();
        assert_eq!(names_of_services.len(), all.services);
        let enti = bodies(&all, 1).into_iter().map(|it| it.name).collect();
        assert_eq!(names(enti), all.enti);
    }

    #[test]
    fn an_impossible_size_is_refused() {
        for (wrong, error) in [
            (
                RegionSize { enti: 0, ..size() },
                "0 enti: write a number from 1 to 10240",
            ),
            (
                RegionSize {
                    services: 9_999,
                    ..size()
                },
                "9999 services: write a number from 1 to 2304",
            ),
            (
                RegionSize {
                    deployments: 61,
                    ..size()
                },
                "61 deployments: write a number from 1 to 60",
            ),
            (
                RegionSize {
                    years: BTreeSet::from([1900]),
                    ..size()
                },
                "year 1900",
            ),
        ] {
            let found = region_files(&wrong, 1).unwrap_err().to_string();
            assert!(found.contains(error), "{found}");
        }
    }
}
