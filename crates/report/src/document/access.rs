//! Visits: by ente and resident, by device and month, by login and other dimensions, by place.
//! Figures of JSON call them accesses.

use affluenza_store::usage::SharesOf;

use super::{Block, Cell, Chart, ChartKind, Cut, Head, Section, SectionWriter, Series};
use crate::count::{Count, CountCells as _};
use crate::tables::{AccessRow, BreakdownTable, MonthRow};
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
            Head::Figures("per-resident"),
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
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ]];
        self.section("accesses", vec![table.into()])
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
            values: shares.clone().map(|row| row.mobile_share_percent).collect(),
        };
        let before = compared.map(|year| Series {
            name: year.to_string(),
            values: shares
                .map(|row| row.compared_mobile_share_percent)
                .collect(),
        });
        let chart = Chart {
            id: "months-chart",
            title: self.say("months-chart"),
            description: self.say("months-chart.alt"),
            kind: ChartKind::Lines,
            labels: self.counted_months(),
            series: [Some(now), before].into_iter().flatten().collect(),
            percent: true,
        };
        let values = chart.series[0].values.iter().flatten();
        let has_line = values.count() > 1;
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
    let residents = row.residents.map(|residents| Cell::Count(residents.into()));
    let year = row.residents_year.map(|year| Cell::Plain(year.into()));
    let ratio = row.accesses_per_resident.filter(|_| is_received);
    let ratio = ratio.map(|ratio| Cell::Mean(ratio, 2));
    vec![
        Cell::Text(harmless(&row.name.ente_name)),
        accesses,
        Cell::Count(row.visitors_days),
        Cell::Sparse(row.service_uses),
        residents.unwrap_or(Cell::Unavailable),
        year.unwrap_or(Cell::Empty),
        ratio.unwrap_or(Cell::Undefined),
    ]
}

fn device_row(name: String, count: Count, all: Count) -> Vec<Cell> {
    vec![Cell::Text(name), count.into(), count.share_of(all)]
}
