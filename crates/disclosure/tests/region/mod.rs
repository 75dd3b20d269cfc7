//! Made-up years of many public bodies. Uses follow a power law: few bodies and services have most
//! of them.

use std::collections::BTreeMap;

use affluenza_disclosure::edition::Offered;
use affluenza_store::figures::{MonthUse, WeekHourUse};
use affluenza_store::open::{OpenFigures, UseRow};

/// Calendar year of the made-up figures.
pub const YEAR: i16 = 2024;
const CATEGORIES: usize = 12;
const DEPLOYMENTS: usize = 20;
const KINDS: [&str; 3] = ["plain", "payment", "booking"];
/// One deployment in this many is of another kind than usual for its service.
const OTHER_KIND_ONE_IN: usize = 10;

/// Size of a made-up year.
#[derive(Clone, Copy)]
pub struct Region {
    pub bodies: usize,
    pub services: usize,
    /// Completed service uses of the year.
    pub uses: usize,
    pub seed: u64,
}

/// Figures and offers of a made-up year.
pub struct RegionYear {
    pub figures: OpenFigures,
    pub offered: Vec<Offered>,
}

impl Region {
    /// Returns a region of a size, with as many uses a body as 8,000 bodies have in 2.5 million.
    pub fn of(bodies: usize, seed: u64) -> Self {
        let services = (bodies / 4).clamp(200, 2_000);
        let uses = bodies * 625 / 2;
        Self {
            bodies,
            services,
            uses,
            seed,
        }
    }

    pub fn year(self) -> RegionYear {
        let mut random = Random(self.seed);
        let of_services = Weights::power_law(self.services);
        let mut offered = Vec::new();
        for body in 0..self.bodies {
            let mut services = BTreeMap::new();
            while services.len() < DEPLOYMENTS {
                let service = of_services.draw(&mut random);
                let is_other = random.below(OTHER_KIND_ONE_IN) == 0;
                let kind = KINDS[(service / CATEGORIES + usize::from(is_other)) % KINDS.len()];
                services.entry(service).or_insert(kind);
            }
            offered.extend(services.into_iter().map(|(service, kind)| Offered {
                ente: format!("c_{body:05}"),
                category: format!("category-{:02}", service % CATEGORIES),
                kind: kind.to_owned(),
                service: format!("service-{service:04}"),
            }));
        }
        let figures = self.figures(&mut random, &offered);
        RegionYear { figures, offered }
    }

    fn figures(self, random: &mut Random, offered: &[Offered]) -> OpenFigures {
        let (of_bodies, of_deployments) = (
            Weights::power_law(self.bodies),
            Weights::power_law(DEPLOYMENTS),
        );
        let mut uses = vec![0; offered.len()];
        let mut months = vec![[0; 12]; self.bodies];
        let mut week = [[0; 24]; 7];
        for _ in 0..self.uses {
            let body = of_bodies.draw(random);
            uses[body * DEPLOYMENTS + of_deployments.draw(random)] += 1;
            months[body][random.below(12)] += 1;
            week[random.below(7)][8 + random.below(12)] += 1;
        }
        let mut figures = OpenFigures::default();
        for (offer, service_uses) in offered.iter().zip(uses) {
            figures.uses.push(UseRow {
                ente: offer.ente.clone(),
                category: offer.category.clone(),
                kind: offer.kind.clone(),
                service: offer.service.clone(),
                service_uses,
            });
        }
        figures.uses.retain(|row| row.service_uses > 0);
        for (body, months) in months.iter().enumerate() {
            for (month, service_uses) in (1..).zip(months) {
                figures.months.push(MonthUse {
                    ente: format!("c_{body:05}"),
                    month,
                    device: "desktop".to_owned(),
                    portal_kind: "services".to_owned(),
                    accesses: 100,
                    service_uses: *service_uses,
                });
            }
        }
        for (weekday, hours) in (1..).zip(week) {
            for (local_hour, service_uses) in (0..).zip(hours) {
                let band = if (8..18).contains(&local_hour) {
                    "office"
                } else {
                    "evening"
                };
                figures.week.push(WeekHourUse {
                    weekday,
                    band: band.to_owned(),
                    local_hour,
                    accesses: 0,
                    service_uses,
                });
            }
        }
        // Accesses fill the table of weekday and hour as well as that of kind of portal, device and month.
        figures.week[0].accesses = figures.months.iter().map(|month| month.accesses).sum();
        figures
    }
}

struct Random(u64);

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }
}

/// Sums of weights up to each index.
struct Weights(Vec<f64>);

impl Weights {
    /// Weight of the n-th index: 1 / n.
    fn power_law(most: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=most).map(|at| {
            sum += 1.0 / at as f64;
            sum
        });
        Self(sums.collect())
    }

    fn draw(&self, random: &mut Random) -> usize {
        let drawn = random.next() as f64 / u64::MAX as f64 * self.0[self.0.len() - 1];
        self.0
            .partition_point(|sum| *sum <= drawn)
            .min(self.0.len() - 1)
    }
}
