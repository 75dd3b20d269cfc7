//! The public edition of a report.
//!
//! **Every count of people's use is read from the protected tables**, so the edition cannot reveal
//! a hidden count. Rows are never ordered by counts that may be hidden.
//!
//! The public edition leaves out everything beyond the protected tables: identities, countries,
//! visitors, failed attempts, changes by restatements, and remarks that contain counts.

use std::cmp::Reverse;

use affluenza_disclosure::{Count as Protected, Public, derive, sum};
use affluenza_register::Register;

use super::sources::Names;
use super::{
    Block, Cell, Chart, ChartKind, Column, Document, Fact, Section, Series, Writer, section, table,
};
use crate::names::CategoryName;
use crate::ratio::{change_percent, share_percent};
use crate::text::harmless;
use crate::{Language, Report};

/// Protected tables of a year, as published elsewhere.
#[derive(Clone, Copy)]
pub struct PublicEdition<'e> {
    /// Counts below this are hidden.
    pub small_count: u64,
    /// Completed uses of people by ente, category, kind, service, month (`2017-03`) and hour in its
    /// band (`office 09`).
    pub uses: &'e Public<6>,
    /// Uses of the compared year.
    pub uses_before: Option<&'e Public<6>>,
    /// Accesses of people by device, month, weekday and hour in its band.
    pub accesses: &'e Public<4>,
    /// True if users by hour may be shown: none of these counts is small, and no hour has hidden
    /// accesses or uses.
    pub has_users: bool,
}

/// Number of most-used services; `CHANGED` is the number of changed services per category.
const TOP: usize = 10;
const CHANGED: usize = 5;
const KINDS: [&str; 3] = ["plain", "payment", "booking"];

/// Writes the public edition.
#[derive(Clone, Copy)]
struct PublicWriter<'r> {
    plain: Writer<'r>,
    edition: PublicEdition<'r>,
    register: &'r Register,
}

/// A service with its uses in both years.
struct Used {
    category: CategoryName,
    name: String,
    now: Protected,
    before: Protected,
}

impl Document {
    /// Creates the document of the public edition, for a report of all enti.
    pub fn public(
        report: &Report,
        edition: PublicEdition<'_>,
        register: &Register,
        language: Language,
    ) -> Self {
        let plain = Writer { report, language };
        let writer = PublicWriter {
            plain,
            edition,
            register,
        };
        let mut sections = vec![writer.summary()];
        if !report.is_empty() {
            let services = writer.services();
            sections.extend([
                writer.totals(),
                writer.categories(),
                writer.matrix(),
                writer.usage_by_kind(),
                writer.variations(&services),
                writer.top_services(&services),
                writer.devices(),
                writer.months(),
                writer.hours(),
            ]);
        }
        sections.push(plain.offered());
        sections.extend(plain.sources(Names::Withheld));
        sections.push(plain.checks());
        sections.push(plain.method());
        sections.push(writer.protection());
        sections.retain(|section| !section.blocks.is_empty());
        let cover = plain.cover(Names::Withheld);
        let mut edition = cover.edition;
        edition.insert(0, plain.say("edizione pubblica", "public edition"));
        Self {
            sections,
            edition,
            ..cover
        }
    }
}

/// Returns the count, if it may be shown.
fn count(cell: Protected) -> Cell {
    cell.shown().map_or(Cell::Suppressed, Cell::Count)
}

/// Returns the count for a mostly empty table, if it may be shown.
fn sparse(cell: Protected) -> Cell {
    cell.shown().map_or(Cell::Suppressed, Cell::Sparse)
}

fn share(part: Protected, whole: Protected) -> Cell {
    derive([part, whole], |[part, whole]| share_percent(part, whole))
        .map_or(Cell::Suppressed, Cell::share)
}

fn change(now: Protected, before: Protected) -> Cell {
    derive([now, before], |[now, before]| {
        change_percent(now, Some(before))
    })
    .map_or(Cell::Suppressed, Cell::change)
}

fn difference(now: Protected, before: Protected) -> Option<i64> {
    derive([now, before], |[now, before]| {
        now.cast_signed() - before.cast_signed()
    })
}

impl PublicWriter<'_> {
    fn say(self, italian: &str, english: &str) -> String {
        self.plain.say(italian, english)
    }

    /// Returns the uses of an ente, category and kind; `None` stands for all.
    fn uses(self, ente: Option<&str>, category: Option<&str>, kind: Option<&str>) -> Protected {
        self.edition
            .uses
            .cell([ente, category, kind, None, None, None])
    }

    fn before(self, category: Option<&str>) -> Option<Protected> {
        let before = self.edition.uses_before?;
        Some(before.cell([None, category, None, None, None, None]))
    }

    /// Returns the count of the compared year, and the change from it.
    fn compared(self, now: Protected, category: Option<&str>) -> Vec<Cell> {
        match (self.plain.report.compared_year, self.before(category)) {
            (None, _) => Vec::new(),
            (Some(_), None) => vec![Cell::Undefined, Cell::Undefined],
            (Some(_), Some(before)) => vec![count(before), change(now, before)],
        }
    }

    fn accesses_in(self, device: Option<&str>, month: Option<&str>) -> Protected {
        self.edition.accesses.cell([device, month, None, None])
    }

    /// Returns the names of kinds, in the order of [`KINDS`].
    fn kind_names(self) -> [String; 3] {
        [
            self.say("Semplici", "Plain"),
            self.say("Pagamenti", "Payments"),
            self.say("Prenotazioni", "Bookings"),
        ]
    }

    fn summary(self) -> Section {
        let report = self.plain.report;
        let mut facts = Vec::new();
        let mut add = |label: String, value: Cell, detail: String| {
            facts.push(Fact {
                label,
                value,
                detail,
            });
        };
        if !report.is_empty() {
            let language = self.plain.language;
            let all = self.uses(None, None, None);
            let growth = match (report.compared_year, self.before(None)) {
                (Some(year), Some(before)) => {
                    let growth = change(all, before).show(language);
                    self.say(
                        &format!("{growth} sul {year}"),
                        &format!("{growth} on {year}"),
                    )
                }
                _ => String::new(),
            };
            add(
                self.say("usi dei servizi", "service uses"),
                count(all),
                growth,
            );
            let labels = [
                self.say("pagamenti", "payments"),
                self.say("prenotazioni", "bookings"),
            ];
            for (label, kind) in labels.into_iter().zip(&KINDS[1..]) {
                let part = self.uses(None, None, Some(kind));
                let of = share(part, all).show(language);
                let of = self.say(&format!("{of} degli usi"), &format!("{of} of the uses"));
                add(label, count(part), of);
            }
            let accesses = self.accesses_in(None, None);
            add(
                self.say("accessi", "accesses"),
                count(accesses),
                String::new(),
            );
            add(
                self.say(
                    "accessi da smartphone e tablet",
                    "accesses by smartphone and tablet",
                ),
                share(self.mobile(None), accesses),
                self.say("del totale", "of all"),
            );
        }
        let day = self.plain.language.date(report.offered_on);
        add(
            self.say("servizi offerti", "services offered"),
            Cell::Count(report.offered.total),
            self.say(&format!("al {day}"), &format!("on {day}")),
        );
        let title = self.say("In sintesi", "At a glance");
        section("summary", title, vec![Block::Facts(facts)])
    }

    fn totals(self) -> Section {
        let all = self.uses(None, None, None);
        let mut columns = vec![
            Column::text(self.say("Tipo", "Kind")),
            Column::number(self.plain.report.year.to_string()),
            Column::number(self.say("Quota", "Share")),
        ];
        columns.extend(self.plain.compared_columns());
        let rows = self
            .kind_names()
            .into_iter()
            .zip(KINDS)
            .map(|(name, kind)| {
                let uses = self.uses(None, None, Some(kind));
                let mut row = vec![Cell::Text(name), count(uses), share(uses, all)];
                row.resize(columns.len(), Cell::Empty);
                row
            });
        let rows = rows.collect();
        let mut sums = vec![Cell::Text(self.plain.total()), count(all), share(all, all)];
        sums.extend(self.compared(all, None));
        let caption = self.say(
            "Usi dei servizi (numero di usi)",
            "Service uses (number of uses)",
        );
        let mut table = table("totals", caption, columns, rows);
        table.sums = vec![sums];
        section(
            "totals",
            self.say("Usi dei servizi", "Service uses"),
            vec![table.into()],
        )
    }

    fn categories(self) -> Section {
        let mut columns = vec![Column::text(self.say("Categoria", "Category"))];
        columns.extend(self.kind_names().map(Column::number));
        columns.push(Column::number(self.plain.total()));
        columns.push(Column::number(self.say("Quota", "Share")));
        columns.extend(self.plain.compared_columns());
        let all = self.uses(None, None, None);
        let row = |name: String, category: Option<&str>| {
            let uses = self.uses(None, category, None);
            let mut row = vec![Cell::Text(name)];
            row.extend(KINDS.map(|kind| sparse(self.uses(None, category, Some(kind)))));
            row.extend([count(uses), share(uses, all)]);
            row.extend(self.compared(uses, category));
            row
        };
        let names = || self.plain.report.categories.iter().map(|row| &row.name);
        let rows = names().map(|name| row(self.plain.category(name), Some(&name.category)));
        let caption = self.say(
            "Usi per categoria (numero di usi)",
            "Uses by category (number of uses)",
        );
        let mut table = table("categories", caption.clone(), columns, rows.collect());
        table.sums = vec![row(self.plain.total(), None)];
        let value = |cell: Protected| cell.shown().map(|uses| uses as f64);
        let values = names().map(|name| value(self.uses(None, Some(&name.category), None)));
        let mut series = vec![Series {
            name: self.plain.report.year.to_string(),
            values: values.collect(),
        }];
        if let (Some(year), Some(_)) = (self.plain.report.compared_year, self.before(None)) {
            let values = names().map(|name| self.before(Some(&name.category)).and_then(value));
            series.push(Series {
                name: year.to_string(),
                values: values.collect(),
            });
        }
        let chart = Chart {
            id: "categories-chart",
            title: caption,
            description: self.say(
                "Barre degli usi di ciascuna categoria; le cifre sono nella tabella che segue.",
                "Bars of the uses of each category; the figures are in the table that follows.",
            ),
            kind: ChartKind::Bars,
            labels: names().map(|name| self.plain.category(name)).collect(),
            series,
            percent: false,
        };
        let title = self.say("Usi per categoria", "Uses by category");
        section("categories", title, vec![chart.into(), table.into()])
    }

    /// Returns the enti with uses in the order of names, unknown ones last. Having uses is no
    /// secret, because a zero is never hidden.
    fn enti(self) -> Vec<(String, String)> {
        let mut enti: Vec<(bool, String, String)> = Vec::new();
        for (labels, _) in self.edition.uses.cells() {
            if let [Some(code), None, None, None, None, None] = labels {
                let known = self.register.ente(code);
                let name = known.map_or(code, |ente| ente.name());
                enti.push((known.is_none(), harmless(name), code.to_owned()));
            }
        }
        enti.sort();
        enti.into_iter()
            .map(|(_, name, code)| (name, code))
            .collect()
    }

    fn matrix(self) -> Section {
        let report = self.plain.report;
        let categories = &report.usage.categories;
        let mut columns = vec![Column::text(self.say("Ente", "Ente"))];
        columns.extend(self.plain.headings(categories));
        columns.push(Column::number(self.plain.total()));
        let parts = self.plain.part_columns();
        columns.extend(parts);
        let row = |name: String, ente: Option<&str>| {
            let mut row = vec![Cell::Text(name)];
            let codes = categories.iter().map(|name| &*name.category);
            row.extend(codes.map(|category| sparse(self.uses(ente, Some(category), None))));
            row.push(count(self.uses(ente, None, None)));
            row.extend(
                KINDS[1..]
                    .iter()
                    .map(|kind| sparse(self.uses(ente, None, Some(kind)))),
            );
            row
        };
        let rows = self
            .enti()
            .into_iter()
            .map(|(name, code)| row(name, Some(&code)));
        let caption = self.say(
            "Usi per ente e categoria (numero di usi)",
            "Uses by ente and category (number of uses)",
        );
        let mut table = table("usage", caption, columns, rows.collect());
        table.matrix = true;
        table.sums = vec![row(self.plain.total(), None)];
        let title = self.say("Usi per ente e categoria", "Uses by ente and category");
        section("usage", title, vec![table.into()])
    }

    fn usage_by_kind(self) -> Section {
        let mut columns = vec![
            Column::text(self.say("Ente", "Ente")),
            Column::text(self.say("Categoria", "Category")),
        ];
        columns.extend(self.kind_names().map(Column::number));
        columns.push(Column::number(self.plain.total()));
        let mut rows = Vec::new();
        for (name, code) in self.enti() {
            for category in &self.plain.report.usage.categories {
                let uses = |kind| self.uses(Some(&code), Some(&category.category), kind);
                if uses(None) == Protected::Shown(0) {
                    continue;
                }
                let mut row = vec![
                    Cell::Text(name.clone()),
                    Cell::Text(self.plain.category(category)),
                ];
                row.extend(KINDS.map(|kind| sparse(uses(Some(kind)))));
                row.push(count(uses(None)));
                rows.push(row);
            }
        }
        let caption = self.say(
            "Usi per ente, categoria e tipo (numero di usi)",
            "Uses by ente, category and kind (number of uses)",
        );
        let title = self.say(
            "Usi per ente, categoria e tipo",
            "Uses by ente, category and kind",
        );
        let table = table("usage-by-kind", caption, columns, rows);
        section("usage-by-kind", title, vec![table.into()])
    }

    /// Returns every service used in either year.
    fn services(self) -> Vec<Used> {
        let of = |public: &Public<6>| {
            let cells = public.cells().filter_map(|(labels, _)| match labels {
                [None, Some(category), None, Some(service), None, None] => {
                    Some((category.to_owned(), service.to_owned()))
                }
                _ => None,
            });
            cells.collect::<Vec<_>>()
        };
        let mut keys = of(self.edition.uses);
        keys.extend(self.edition.uses_before.into_iter().flat_map(of));
        keys.sort_unstable();
        keys.dedup();
        let used = |(category, service): (String, String)| {
            let labels = [None, Some(&*category), None, Some(&*service), None, None];
            let known = self.register.service(&service);
            let name = known.map(|known| match self.plain.language {
                Language::Italian => known.name_it(),
                Language::English => known.name_en().unwrap_or(known.name_it()),
            });
            Used {
                category: CategoryName::of(self.register, &category),
                name: harmless(name.unwrap_or(&service)),
                now: self.edition.uses.cell(labels),
                before: match self.edition.uses_before {
                    Some(before) => before.cell(labels),
                    None => Protected::Hidden,
                },
            }
        };
        keys.into_iter().map(used).collect()
    }

    fn variations(self, services: &[Used]) -> Section {
        let title = self.say(
            "Principali variazioni per categoria",
            "Main variations by category",
        );
        if self.edition.uses_before.is_none() || self.plain.report.compared_year.is_none() {
            return section("variations", title, Vec::new());
        }
        let mut columns = vec![
            Column::text(self.say("Categoria", "Category")),
            Column::text(self.say("Servizio", "Service")),
            Column::number(self.plain.report.year.to_string()),
        ];
        columns.extend(self.plain.compared_columns());
        let place = columns.len() - 1;
        columns.insert(place, Column::number(self.say("Differenza", "Difference")));
        let mut rows = Vec::new();
        for category in self.plain.report.categories.iter().map(|row| &row.name) {
            let own = services.iter().filter(|used| used.category == *category);
            let known = own.filter_map(|used| Some((difference(used.now, used.before)?, used)));
            let mut known: Vec<(i64, &Used)> = known.filter(|(moved, _)| *moved != 0).collect();
            known.sort_by_key(|(moved, used)| (Reverse(moved.unsigned_abs()), used.name.clone()));
            for (moved, used) in known.into_iter().take(CHANGED) {
                rows.push(vec![
                    Cell::Text(self.plain.category(category)),
                    Cell::Text(used.name.clone()),
                    count(used.now),
                    count(used.before),
                    Cell::Difference(moved),
                    change(used.now, used.before),
                ]);
            }
        }
        let caption = self.say(
            "Servizi con le variazioni maggiori, tra quelli con cifre pubbliche in entrambi gli anni (numero di usi)",
            "Services that changed most, of those with public figures in both years (number of uses)",
        );
        let table = table("variations", caption, columns, rows);
        section("variations", title, vec![table.into()])
    }

    fn top_services(self, services: &[Used]) -> Section {
        let mut shown: Vec<(u64, &Used)> = services
            .iter()
            .filter_map(|used| Some((used.now.shown()?, used)))
            .filter(|(uses, _)| *uses > 0)
            .collect();
        shown.sort_by_key(|(uses, used)| (Reverse(*uses), used.name.clone()));
        let all = self.uses(None, None, None);
        let rows = shown.into_iter().take(TOP).map(|(uses, used)| {
            vec![
                Cell::Text(used.name.clone()),
                Cell::Text(self.plain.category(&used.category)),
                Cell::Count(uses),
                share(used.now, all),
            ]
        });
        let columns = vec![
            Column::text(self.say("Servizio", "Service")),
            Column::text(self.say("Categoria", "Category")),
            Column::number(self.say("Usi", "Uses")),
            Column::number(self.say("Quota", "Share")),
        ];
        let caption = self.say(
            "Servizi più usati, tra quelli con cifre pubbliche (numero di usi)",
            "Services used most, of those with public figures (number of uses)",
        );
        let title = self.say("Servizi più usati", "Services used most");
        let table = table("top-services", caption, columns, rows.collect());
        section("top-services", title, vec![table.into()])
    }

    fn mobile(self, month: Option<&str>) -> Protected {
        sum(["smartphone", "tablet"].map(|device| self.accesses_in(Some(device), month)))
    }

    fn devices(self) -> Section {
        let all = self.accesses_in(None, None);
        let row =
            |name: String, cell: Protected| vec![Cell::Text(name), count(cell), share(cell, all)];
        let devices = ["desktop", "smartphone", "tablet", "other"];
        let rows = devices.map(|device| {
            row(
                self.plain.device(device),
                self.accesses_in(Some(device), None),
            )
        });
        let columns = vec![
            Column::text(self.say("Dispositivo", "Device")),
            Column::number(self.say("Accessi", "Accesses")),
            Column::number(self.say("Quota", "Share")),
        ];
        let caption = self.say(
            "Dispositivi (numero di accessi)",
            "Devices (number of accesses)",
        );
        let mut table = table("devices", caption, columns, rows.to_vec());
        let mobile = self.say("Smartphone e tablet", "Smartphone and tablet");
        table.sums = vec![
            row(self.say("Persone", "People"), all),
            row(mobile, self.mobile(None)),
        ];
        section(
            "devices",
            self.say("Dispositivi", "Devices"),
            vec![table.into()],
        )
    }

    fn months(self) -> Section {
        let year = self.plain.report.year;
        let rows = (1..=12).map(|month| {
            let label = format!("{year:04}-{month:02}");
            let accesses = self.accesses_in(None, Some(&label));
            let uses = [None, None, None, None, Some(&*label), None];
            vec![
                Cell::Text(self.plain.month(month)),
                count(accesses),
                share(self.mobile(Some(&label)), accesses),
                count(self.edition.uses.cell(uses)),
            ]
        });
        let columns = vec![
            Column::text(self.say("Mese", "Month")),
            Column::number(self.say("Accessi", "Accesses")),
            Column::number(self.say("Smartphone e tablet", "Smartphone and tablet")),
            Column::number(self.say("Usi", "Uses")),
        ];
        let caption = self.say(
            "Accessi e usi per mese (numero), quota di smartphone e tablet",
            "Accesses and uses by month (number), share of smartphones and tablets",
        );
        let table = table("months", caption, columns, rows.collect());
        section("months", self.say("Mesi", "Months"), vec![table.into()])
    }

    /// Returns the accesses in an hour of the day, over all bands.
    fn in_hour(self, hour: u8) -> Protected {
        let bands = ["night", "office", "evening"];
        let cells = bands.map(|band| {
            let label = format!("{band} {hour:02}");
            self.edition
                .accesses
                .cell([None, None, None, Some(&*label)])
        });
        sum(cells)
    }

    /// Writes accesses by hour, and users by band if they may be shown.
    fn hours(self) -> Section {
        let hours = &self.plain.report.hours;
        let in_hour = |hour: u8| self.in_hour(hour);
        let rows = hours.hours_of_day.iter().map(|row| {
            let hour = Cell::Text(format!("{:02}", row.local_hour));
            vec![hour, count(in_hour(row.local_hour))]
        });
        let columns = vec![
            Column::text(self.say("Ora", "Hour")),
            Column::number(self.say("Accessi", "Accesses")),
        ];
        let caption = self.say(
            "Ore del giorno (numero di accessi)",
            "Hours of the day (number of accesses)",
        );
        let chart = Chart {
            id: "hours-chart",
            title: caption.clone(),
            description: self.say(
                "Colonne degli accessi in ciascuna ora del giorno; le cifre sono nella tabella che segue.",
                "Columns of the accesses in each hour of the day; the figures are in the table that follows.",
            ),
            kind: ChartKind::Columns,
            labels: hours
                .hours_of_day
                .iter()
                .map(|row| format!("{:02}", row.local_hour))
                .collect(),
            series: vec![Series {
                name: self.say("Accessi", "Accesses"),
                values: hours
                    .hours_of_day
                    .iter()
                    .map(|row| in_hour(row.local_hour).shown().map(|count| count as f64))
                    .collect(),
            }],
            percent: false,
        };
        let by_hour = table("hours", caption, columns, rows.collect());
        let mut blocks = vec![chart.into(), by_hour.into()];
        if self.edition.has_users {
            blocks.extend(self.plain.bands().blocks);
        }
        section(
            "hours",
            self.say("Ore del giorno", "Hours of the day"),
            blocks,
        )
    }

    fn protection(self) -> Section {
        let last = self.edition.small_count.saturating_sub(1);
        let hidden = self.edition.uses.suppressed() + self.edition.accesses.suppressed();
        let hidden = self.plain.language.count(hidden as u64);
        let text = self.say(
            &format!(
                "Le cifre da 1 a {last} potrebbero indicare singole persone: sono omesse (*), insieme a quelle da cui si potrebbero ricavare. Nelle tabelle pubblicate insieme le celle omesse sono {hidden}, lo zero è sempre mostrato, e ogni valore calcolato su una cella omessa è omesso. Tentativi non riusciti, rettifiche e segnalazioni con cifre sono solo nell’edizione interna."
            ),
            &format!(
                "Counts from 1 to {last} could point at single persons: they are left out (*), with those that they could be worked out from. Of the tables published together {hidden} cells are left out; a zero is always shown, and whatever is computed from a cell left out is left out, too. Failed attempts, restatements and remarks with figures are in the internal edition only."
            ),
        );
        let title = self.say("Protezione dei dati", "Protection of data");
        section("protection", title, vec![Block::Text(text)])
    }
}
