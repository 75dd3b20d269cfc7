//! Plausible years: the two of the demo, and eight small ones generated from a seed.

use std::collections::BTreeMap;

use affluenza_disclosure::edition::{Offered, offered};
use affluenza_register::Register;
use affluenza_store::figures::{BandUse, HourUse, MonthUse, WeekHourUse};
use affluenza_store::open::{OpenFigures, UseRow};

const REGISTER: &str = include_str!("../../../../deploy/register.toml");
/// Events of each small year, 5,718 in all. Half of them are accesses.
const SMALL: [(i16, u64); 8] = [
    (2018, 900),
    (2019, 700),
    (2020, 160),
    (2021, 1_458),
    (2022, 450),
    (2023, 250),
    (2024, 1_100),
    (2025, 700),
];

pub struct Made {
    pub year: i16,
    pub figures: OpenFigures,
    pub offered: Vec<Offered>,
}

impl Made {
    /// Adds uses of a service that was used before, all in one hour.
    pub fn add_late(&mut self, of: usize, uses: u64) {
        let row = &mut self.figures.uses[of];
        row.service_uses += uses;
        let ente = row.ente.clone();
        let month = self
            .figures
            .months
            .iter_mut()
            .find(|month| month.ente == ente);
        month.expect("it was used in a month").service_uses += uses;
        self.figures.week[of].service_uses += uses;
    }
}

pub fn register() -> Register {
    Register::parse(REGISTER).expect("the example is right")
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    /// Draws an index; the first ones far more often than the last.
    fn mostly_first(&mut self, most: usize) -> usize {
        let of = self.below(most);
        let of = self.below(of + 1);
        self.below(of + 1)
    }
}

/// Counts so far.
#[derive(Default)]
struct Counts {
    uses: BTreeMap<[String; 4], u64>,
    months: BTreeMap<(String, u8, &'static str, &'static str), [u64; 2]>,
    week: BTreeMap<(u8, u8), [u64; 2]>,
}

/// Largest number of services that are used.
const SERVICES: usize = 60;
const DEVICES: [&str; 4] = ["desktop", "smartphone", "tablet", "other"];
const PORTAL_KINDS: [&str; 3] = ["services", "civic", "app"];

pub fn band(hour: u8, weekday: u8) -> &'static str {
    match hour {
        _ if weekday > 5 => "evening",
        8..18 => "office",
        0..8 => "night",
        _ => "evening",
    }
}

impl Counts {
    fn event(&mut self, random: &mut Random, ente: &str, is_use: bool, count: u64) {
        let month = random.below(12) as u8 + 1;
        let device = DEVICES[random.mostly_first(4)];
        let portal_kind = PORTAL_KINDS[random.mostly_first(3)];
        let (weekday, hour) = (random.below(7) as u8 + 1, 8 + random.mostly_first(16) as u8);
        let of = usize::from(is_use);
        self.months
            .entry((ente.to_owned(), month, device, portal_kind))
            .or_default()[of] += count;
        self.week.entry((weekday, hour)).or_default()[of] += count;
    }

    fn figures(self) -> OpenFigures {
        let mut figures = OpenFigures::default();
        for ([ente, category, kind, service], service_uses) in self.uses {
            figures.uses.push(UseRow {
                ente,
                category,
                kind,
                service,
                service_uses,
            });
        }
        for ((ente, month, device, portal_kind), [accesses, service_uses]) in self.months {
            let device = device.to_owned();
            figures.months.push(MonthUse {
                ente,
                month,
                device,
                portal_kind: portal_kind.to_owned(),
                accesses,
                service_uses,
            });
        }
        let (mut hours, mut bands) = (BTreeMap::new(), BTreeMap::new());
        for ((weekday, local_hour), [accesses, service_uses]) in self.week {
            let band = band(local_hour, weekday);
            *hours.entry(local_hour).or_insert(0) += accesses.max(service_uses);
            *bands.entry(band).or_insert(0) += accesses.max(service_uses);
            let band = band.to_owned();
            figures.week.push(WeekHourUse {
                weekday,
                band,
                local_hour,
                accesses,
                service_uses,
            });
        }
        let hour = |(local_hour, users_hours)| HourUse {
            local_hour,
            users_hours,
            accesses: 0,
        };
        figures.hours = hours.into_iter().map(hour).collect();
        let band = |(band, users_hours): (&str, u64)| BandUse {
            band: band.into(),
            users_hours,
            accesses: 0,
        };
        figures.bands = bands.into_iter().map(band).collect();
        figures
    }
}

/// Generates few uses of many services by a few enti. Some uses are of a service that is not
/// offered, or of another kind.
pub fn small(seed: u64) -> Vec<Made> {
    let register = register();
    let of_year = |(year, events): (i16, u64)| {
        let mut random = Random(seed ^ year.unsigned_abs() as u64);
        let mut offered = offered(&register, year);
        offered.sort_by_key(|offer| {
            (
                offer.service.len(),
                offer.ente.clone(),
                offer.service.clone(),
            )
        });
        for at in (1..offered.len()).rev() {
            offered.swap(at, random.below(at + 1));
        }
        offered.truncate(SERVICES);
        let mut counts = Counts::default();
        for event in 0..events {
            let mut offer = offered[random.mostly_first(offered.len())].clone();
            if event % 2 == 0 {
                counts.event(&mut random, &offer.ente, false, 1);
                continue;
            }
            if random.below(60) == 0 {
                offer.kind = "payment".to_owned();
            }
            if random.below(60) == 0 {
                offer.ente = offered[random.below(offered.len())].ente.clone();
            }
            counts.event(&mut random, &offer.ente, true, 1);
            let of = [offer.ente, offer.category, offer.kind, offer.service];
            *counts.uses.entry(of).or_insert(0) += 1;
        }
        Made {
            year,
            figures: counts.figures(),
            offered,
        }
    };
    SMALL.map(of_year).into()
}

/// The printed uses of 2017, spread over the offered services.
pub fn printed() -> Made {
    let text = include_str!("../../../simulator/figures/focus-2017/usage_2017_by_ente.csv");
    let (year, register) = (2017, register());
    let offered = offered(&register, year);
    let mut random = Random(7);
    let mut counts = Counts::default();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let (ente, category, kind, uses): (String, String, String, u64) = row.expect("a row");
        let ente = register
            .ente(&ente)
            .expect("it is registered")
            .code()
            .to_owned();
        let mut services: Vec<&str> = offered
            .iter()
            .filter(|offer| {
                [&offer.ente, &offer.category, &offer.kind] == [&ente, &category, &kind]
            })
            .map(|offer| offer.service.as_str())
            .collect();
        // A use in a category where the ente no longer offered any service.
        services.extend(services.is_empty().then_some("altro"));
        let mut left = uses;
        while left > 0 {
            let count = left.div_ceil(40).min(left);
            counts.event(&mut random, &ente, true, count);
            left -= count;
            let service = services[random.mostly_first(services.len())];
            let of = [&*ente, &*category, &*kind, service].map(str::to_owned);
            *counts.uses.entry(of).or_insert(0) += count;
        }
        counts.event(&mut random, &ente, false, uses * 2);
    }
    Made {
        year,
        figures: counts.figures(),
        offered,
    }
}
