//! Visits: by ente and resident, by device and month, by login and other dimensions, by place.
//! Figures of JSON call them accesses.

use std::collections::BTreeSet;

use affluenza_disclosure::sum;
use affluenza_store::usage::SharesOf;

use super::{
    Block, Cell, Chart, ChartKind, ChartValue, Cut, ENTI_MAX, GivenNumber, Head, Section,
    SectionWriter, Series, Table,
};
use crate::count::{Count, CountCells as _};
use crate::tables::{AccessRow, BreakdownTable, MonthRow, PortalVisitorsRow};
use crate::text::harmless;

impl SectionWriter<'_> {
    /// Writes visits and visitors by ente, and visits per resident.
    pub(super) fn accesses(self) -> Section {
        let accesses = &self.report.accesses;
        let heads = [
            Head::Words("ente"),
            Head::Figures("visits"),
            Head::Figures("visitors"),
            Head::Figures("uses"),
            Head::Figures("residents"),
            Head::Figures("year"),
            Head::Figures("uses-per-1000"),
        ];
        if !self.has_visits() {
            return self.section("accesses", Vec::new());
        }
        let known = accesses.enti.iter().filter(|row| row.name.registered);
        let mut rows: Vec<Vec<Cell>> = known.map(accesses_of_ente).collect();
        let strangers = accesses.enti.iter().filter(|row| !row.name.registered);
        let strangers: Vec<&AccessRow> = strangers.collect();
        if !strangers.is_empty() {
            let strangers = strangers.iter();
            let words = [("enti", strangers.len().into())];
            let accesses = strangers.clone().map(|row| row.accesses).sum();
            let visitors_days = strangers.clone().map(|row| row.visitors_days).sum();
            let service_uses = strangers.map(|row| row.service_uses).sum();
            rows.push(vec![
                Cell::Text(self.say_with("unregistered-enti", &words)),
                Cell::Count(accesses),
                Cell::Count(visitors_days),
                Cell::Count(service_uses),
                Cell::Unavailable,
                Cell::Empty,
                Cell::Undefined,
            ]);
        }
        let mut table = self.table("accesses", &heads, rows);
        table.cut = Cut::Ranked(1);
        table.sums = vec![vec![
            self.total(),
            Cell::Count(accesses.accesses),
            Cell::Count(accesses.visitors_days),
            Cell::Count(accesses.service_uses),
            accesses.residents.map_or(Cell::Empty, residents_cell),
            Cell::Empty,
            Cell::Empty,
        ]];
        let blocks = std::iter::once(table.into()).chain(self.residents_source());
        self.section("accesses", blocks.collect())
    }

    /// Returns where the numbers of residents come from; `None` without any.
    fn residents_source(self) -> Option<Block> {
        let enti = self.report.accesses.enti.iter();
        let sources: BTreeSet<String> = enti
            .filter_map(|row| {
                let year = row.residents_year?.to_string();
                Some(match &row.residents_source {
                    Some(source) => format!("{}, {year}", harmless(source)),
                    None => year,
                })
            })
            .collect();
        let sources: Vec<String> = sources.into_iter().collect();
        let words = [("sources", sources.join("; ").into())];
        (!sources.is_empty()).then(|| Block::Text(self.say_with("residents-source", &words)))
    }

    /// Writes visits and visitors by kind of portal. Portals of one kind need no table.
    pub(super) fn portals(self) -> Section {
        let kinds = &self.report.portals.kinds;
        if kinds.len() < 2 || !self.has_visits() {
            return self.section("portals", Vec::new());
        }
        let mut heads = vec![
            Head::Words("portal-kind"),
            Head::Figures("visits"),
            Head::Figures("share"),
            Head::Figures("mobile"),
        ];
        if self.public.is_none() {
            heads.extend([Head::Figures("visitors"), Head::Figures("uses")]);
        }
        let all = kinds.iter().map(|row| row.accesses).sum();
        let all = self.visits(None, None, all);
        let rows = kinds.iter().map(|row| {
            let visits = self.visits_of_kind(row, None, row.accesses);
            let mobile = ["smartphone", "tablet"].map(|device| {
                let mut classes = row.devices.classes.iter();
                let own = classes.find(|class| class.device == device);
                let own = own.map_or(0, |class| class.accesses);
                self.visits_of_kind(row, Some(device), own)
            });
            let mut cells = vec![
                Cell::Text(self.say(&format!("portal-kind-{}", row.portal_kind))),
                visits.into(),
                visits.share_of(all),
                sum(mobile).share_of(self.visits_of_kind(row, None, row.devices.accesses)),
            ];
            if self.public.is_none() {
                cells.extend([
                    Cell::Count(row.visitors_days),
                    Cell::Sparse(row.service_uses),
                ]);
            }
            cells
        });
        let table = self.table("portals", &heads, rows.collect());
        self.section("portals", vec![table.into()])
    }

    /// Writes visitors of civic networks and areas of services, and visits of the civic networks
    /// for each resident.
    pub(super) fn civic_networks(self) -> Section {
        let portals = &self.report.portals;
        if portals.civic_accesses() == 0 || !self.has_visits() {
            return self.section("civic-networks", Vec::new());
        }
        let heads = [
            Head::Words("ente"),
            Head::Figures("civic-visitors"),
            Head::Figures("services-visitors"),
            Head::Figures("civic-visits"),
            Head::Figures("residents"),
            Head::Figures("per-resident"),
        ];
        let rows = portals.enti.iter().map(|row| {
            vec![
                Cell::ente(&row.name.ente, &row.name.ente_name),
                Cell::Sparse(row.civic_visitors_days),
                Cell::Sparse(row.services_visitors_days),
                Cell::Sparse(row.civic_accesses),
                row.residents.map_or(Cell::Unavailable, residents_cell),
                match (row.civic_accesses, row.civic_accesses_per_resident) {
                    (0, _) => Cell::Empty,
                    (_, None) => Cell::Undefined,
                    (_, Some(ratio)) => Cell::Mean(ratio, 2),
                },
            ]
        });
        let mut table = self.table("civic-networks", &heads, rows.collect());
        table.cut = Cut::Ranked(3);
        let total = |of: fn(&PortalVisitorsRow) -> u64| portals.enti.iter().map(of).sum();
        table.sums = vec![vec![
            self.total(),
            Cell::Count(total(|row| row.civic_visitors_days)),
            Cell::Count(total(|row| row.services_visitors_days)),
            Cell::Count(portals.civic_accesses()),
            portals.civic_residents.map_or(Cell::Empty, residents_cell),
            Cell::Empty,
        ]];
        let mut blocks: Vec<Block> = self.civic_chart().map(Block::Chart).into_iter().collect();
        blocks.push(table.into());
        blocks.push(Block::Text(self.say("civic-networks.residents")));
        self.section("civic-networks", blocks)
    }

    /// Draws the visits of the civic networks for each resident; `None` for one ente, and for more
    /// than a chart can show.
    fn civic_chart(self) -> Option<Chart> {
        let enti = self.report.portals.enti.iter();
        let ratios = enti.filter_map(|row| Some((row, row.civic_accesses_per_resident?)));
        let ratios: Vec<(&PortalVisitorsRow, f64)> = ratios.collect();
        (2..=ENTI_MAX).contains(&ratios.len()).then(|| {
            let labels = ratios.iter();
            let labels = labels.map(|(row, _)| harmless(&row.name.ente_name));
            let values = ratios.iter().map(|(_, ratio)| ChartValue::Shown(*ratio));
            Chart::new(
                "civic-networks-chart",
                self.say("civic-networks-chart"),
                ChartKind::Bars,
                labels.collect(),
                vec![Series {
                    name: self.report.year.to_string(),
                    values: values.collect(),
                }],
            )
        })
    }

    /// Writes visits by class of device.
    pub(super) fn devices(self) -> Section {
        let devices = &self.report.devices;
        let heads = [
            Head::Words("device"),
            Head::Figures("visits"),
            Head::Figures("share"),
        ];
        if !self.has_visits() {
            return self.section("devices", Vec::new());
        }
        let all = self.visits(None, None, devices.accesses);
        let rows = devices.classes.iter().map(|class| {
            let count = self.visits(Some(class.device), None, class.accesses);
            device_row(self.device(class.device), count, all)
        });
        let mut table = self.table("devices", &heads, rows.collect());
        let mobile = self.mobile_visits(None, devices.smartphone_and_tablet.accesses);
        table.sums = vec![
            device_row(self.say("device-people"), all, all),
            device_row(self.say("device-mobile"), mobile, all),
        ];
        let mut blocks = vec![table.into()];
        blocks.extend(self.devices_of_services().map(Block::Table));
        if self.public.is_none() {
            let words = [("visits", devices.bot_accesses.into())];
            blocks.push(Block::Text(self.say_with("devices-bots", &words)));
            if devices.no_agent_accesses > 0 {
                let words = [("visits", devices.no_agent_accesses.into())];
                blocks.push(Block::Text(self.say_with("devices-no-agent", &words)));
            }
        }
        self.section("devices", blocks)
    }

    /// Writes visits of the areas of services by class of device; `None` without other portals.
    fn devices_of_services(self) -> Option<Table> {
        let portals = &self.report.portals;
        let services = portals.services().filter(|_| portals.kinds.len() > 1)?;
        let heads = [
            Head::Words("device"),
            Head::Figures("visits"),
            Head::Figures("share"),
        ];
        let all = self.visits_of_kind(services, None, services.devices.accesses);
        let counts: Vec<Count> = services
            .devices
            .classes
            .iter()
            .map(|class| self.visits_of_kind(services, Some(class.device), class.accesses))
            .collect();
        let classes = services.devices.classes.iter().zip(&counts);
        let rows = classes
            .clone()
            .map(|(class, count)| device_row(self.device(class.device), *count, all));
        let mut table = self.table("devices-services", &heads, rows.collect());
        let mobile = classes.filter(|(class, _)| matches!(class.device, "smartphone" | "tablet"));
        let mobile = sum(mobile.map(|(_, count)| *count));
        table.sums = vec![
            device_row(self.say("device-people"), all, all),
            device_row(self.say("device-mobile"), mobile, all),
        ];
        Some(table)
    }

    /// Writes visits and uses by month, and the share of mobile devices.
    pub(super) fn months(self) -> Section {
        let blocks = match self.public {
            Some(_) => vec![self.published_months()],
            None => self.own_months(&self.report.months),
        };
        self.section("months", blocks)
    }

    fn published_months(self) -> Block {
        let heads = [
            Head::Words("month"),
            Head::Figures("visits"),
            Head::Figures("mobile"),
            Head::Figures("uses"),
        ];
        let year = self.report.year;
        let rows = self.report.period.months().map(|month| {
            let label = format!("{year:04}-{month:02}");
            let visits = self.visits(None, Some(&label), 0);
            vec![
                Cell::Text(self.language.month(month)),
                self.visits_cell(visits),
                self.mobile_visits(Some(&label), 0).share_of(visits),
                self.uses_in(&label, 0).into(),
            ]
        });
        self.table("months", &heads, rows.collect()).into()
    }

    fn own_months(self, months: &[MonthRow]) -> Vec<Block> {
        let mut rows = months.iter();
        let has_before = rows.any(|row| row.compared_mobile_share_percent.is_some());
        let compared = self.report.compared_year.filter(|_| has_before);
        let mut heads = vec![
            Head::Words("month"),
            Head::Figures("visits"),
            Head::Figures("mobile"),
            Head::Figures("share"),
        ];
        heads.extend(compared.map(|_| Head::Figures("share-of")));
        heads.extend([Head::Figures("visitors"), Head::Figures("uses")]);
        let rows = months.iter().map(|row| {
            let mut cells = vec![
                Cell::Text(self.month(row.month)),
                self.visits_cell(Count::Shown(row.accesses)),
                self.visits_cell(Count::Shown(row.mobile_accesses)),
                Cell::share(row.mobile_share_percent),
            ];
            cells.extend(compared.map(|_| Cell::share(row.compared_mobile_share_percent)));
            cells.extend([
                Cell::Count(row.visitors_days),
                Cell::Count(row.service_uses),
            ]);
            cells
        });
        let table = self.table("months", &heads, rows.collect());
        let shares = months.iter();
        let now = Series {
            name: self.report.year.to_string(),
            values: shares
                .clone()
                .map(|row| row.mobile_share_percent.into())
                .collect(),
        };
        let before = compared.map(|year| Series {
            name: year.to_string(),
            values: shares
                .map(|row| row.compared_mobile_share_percent.into())
                .collect(),
        });
        let values = now.values.iter().filter_map(|value| value.shown());
        let has_line = values.count() > 1;
        let chart = Chart {
            percent: true,
            ..Chart::new(
                "months-chart",
                self.say("months-chart"),
                ChartKind::Lines,
                self.counted_months(),
                [Some(now), before].into_iter().flatten().collect(),
            )
        };
        let chart: Option<Block> = has_line.then(|| chart.into());
        chart.into_iter().chain([table.into()]).collect()
    }

    /// Writes use by the values of each dimension with a table, such as kinds of login.
    pub(super) fn breakdowns(self) -> Vec<Section> {
        let tables = self.report.breakdowns.0.iter();
        tables.map(|table| self.breakdown(table)).collect()
    }

    fn breakdown(self, table: &BreakdownTable) -> Section {
        let name = table.dimension.name();
        let [shared, other] = match table.shares_of {
            SharesOf::Accesses => ["visits", "uses"],
            SharesOf::ServiceUses => ["uses", "visits"],
        };
        let heads = [
            Head::Words(name),
            Head::Figures(shared),
            Head::Figures("share"),
            Head::Figures(other),
        ];
        let rows = table.rows.iter().map(|row| {
            let [shared, other] = match table.shares_of {
                SharesOf::Accesses => [row.accesses, row.service_uses],
                SharesOf::ServiceUses => [row.service_uses, row.accesses],
            };
            let [shared, other] =
                [(table.shares_of, shared), (other_of(table), other)].map(|(of, count)| match of {
                    SharesOf::Accesses => self.visits_cell(Count::Shown(count)),
                    SharesOf::ServiceUses => Cell::Count(count),
                });
            let label = self.language.message(&format!("{name}-{}", row.value), &[]);
            vec![
                Cell::Text(label.unwrap_or_else(|| harmless(&row.value))),
                shared,
                Cell::share(row.share_percent),
                other,
            ]
        });
        let printed = self.table(table.name, &heads, rows.collect());
        self.section(table.name, vec![printed.into()])
    }

    /// Writes visits from Italy and abroad; no blocks when no country is known.
    pub(super) fn places(self) -> Section {
        let places = &self.report.places;
        if places.italy_share_percent.is_none() {
            return self.section("places", Vec::new());
        }
        let heads = [
            Head::Words("place"),
            Head::Figures("visits"),
            Head::Figures("share"),
        ];
        let (italy, abroad) = (places.italy_accesses, places.abroad_accesses);
        let rows = vec![
            self.place_row("place-italy", italy, places.italy_share_percent),
            self.place_row("place-abroad", abroad, places.abroad_share_percent),
        ];
        let table = self.table("places", &heads, rows);
        let mut blocks = vec![table.into()];
        if places.unknown_accesses > 0 {
            let words = [("visits", places.unknown_accesses.into())];
            blocks.push(Block::Text(self.say_with("places-unknown", &words)));
        }
        self.section("places", blocks)
    }

    fn place_row(self, id: &str, accesses: u64, share: Option<f64>) -> Vec<Cell> {
        let name = Cell::Text(self.say(id));
        vec![name, Cell::Count(accesses), Cell::share(share)]
    }
}

/// Returns the quantity whose shares a table lacks.
fn other_of(table: &BreakdownTable) -> SharesOf {
    match table.shares_of {
        SharesOf::Accesses => SharesOf::ServiceUses,
        SharesOf::ServiceUses => SharesOf::Accesses,
    }
}

/// Returns the row of an ente. Portals that report uses only send no accesses: their number is
/// unknown, not zero.
fn accesses_of_ente(row: &AccessRow) -> Vec<Cell> {
    let is_received = row.accesses > 0 || row.service_uses == 0;
    let accesses = match is_received {
        true => Cell::Count(row.accesses),
        false => Cell::Unavailable,
    };
    let residents = row.residents.map(residents_cell);
    let year = row.residents_year.map(|year| Cell::Plain(year.into()));
    let ratio = row.uses_per_1000_residents;
    let ratio = ratio.map(|ratio| Cell::Mean(ratio, 1));
    vec![
        Cell::from(&row.name),
        accesses,
        Cell::Count(row.visitors_days),
        Cell::Sparse(row.service_uses),
        residents.unwrap_or(Cell::Unavailable),
        year.unwrap_or(Cell::Empty),
        ratio.unwrap_or(Cell::Undefined),
    ]
}

/// Returns a number of residents. Numbers of two bodies must not be added: they may be the same
/// people.
fn residents_cell(residents: impl Into<u64>) -> Cell {
    Cell::Given(GivenNumber {
        digits: residents.into().to_string(),
        unit: String::new(),
    })
}

fn device_row(name: String, count: Count, all: Count) -> Vec<Cell> {
    vec![Cell::Text(name), count.into(), count.share_of(all)]
}
