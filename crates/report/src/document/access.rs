//! Accesses: by ente and resident, by device and month, by login, by place.

use super::{Block, Cell, Chart, ChartKind, Column, Section, Series, Writer, section, table};
use crate::tables::AccessRow;
use crate::text::harmless;

impl Writer<'_> {
    /// Returns the text shown where a closed year lacks the figures.
    fn not_kept(self) -> Vec<Block> {
        vec![Block::Text(self.say(
            "Non disponibile: l’anno è stato chiuso da una versione precedente, che non conservava queste cifre.",
            "Not available: the year was closed by an earlier version, which did not keep these figures.",
        ))]
    }

    /// Writes accesses and visitors by ente, and accesses per resident.
    pub(super) fn accesses(self) -> Section {
        let title = self.say("Accessi e utenti per ente", "Accesses and users by ente");
        let Some(accesses) = &self.report.accesses else {
            return section("accesses", title, self.not_kept());
        };
        let columns = vec![
            Column::text(self.say("Ente", "Ente")),
            Column::number(self.say("Accessi", "Accesses")),
            Column::number(self.say("Visitatori-giorno", "Visitor-days"))
                .or(self.say("Visit.-g.", "Visitors")),
            Column::number(self.say("Usi", "Uses")),
            Column::number(self.say("Residenti", "Residents")),
            Column::number(self.say("Anno", "Year")),
            Column::number(self.say("Accessi per residente", "Accesses per resident"))
                .or(self.say("Per resid.", "Per res.")),
        ];
        let row = |row: &AccessRow| {
            vec![
                Cell::Text(harmless(&row.name.ente_name)),
                Cell::Count(row.accesses),
                Cell::Count(row.visitors_days),
                Cell::Sparse(row.service_uses),
                row.residents
                    .map_or(Cell::Unavailable, |residents| Cell::Count(residents.into())),
                row.residents_year
                    .map_or(Cell::Empty, |year| Cell::Plain(year.into())),
                row.accesses_per_resident
                    .map_or(Cell::Undefined, |ratio| Cell::Mean(ratio, 2)),
            ]
        };
        let known = accesses.enti.iter().filter(|row| row.name.registered);
        let mut rows: Vec<Vec<Cell>> = known.map(row).collect();
        let strangers = accesses.enti.iter().filter(|row| !row.name.registered);
        let counts = strangers.map(|row| [1, row.accesses, row.visitors_days, row.service_uses]);
        let strangers = counts.fold([0; 4], |sum: [u64; 4], row| {
            std::array::from_fn(|place| sum[place] + row[place])
        });
        if strangers[0] > 0 {
            let name = self.say("Enti non registrati", "Unregistered enti");
            let mut row = vec![Cell::Text(format!("{name} ({})", strangers[0]))];
            row.extend(strangers[1..].iter().map(|count| Cell::Count(*count)));
            row.extend([Cell::Unavailable, Cell::Empty, Cell::Undefined]);
            rows.push(row);
        }
        let caption = self.say(
            "Accessi (numero), visitatori di ciascun giorno sommati, usi, accessi annui per residente",
            "Accesses (number), visitors of each day summed, uses, accesses a year per resident",
        );
        let mut table = table("accesses", caption, columns, rows);
        table.sums = vec![vec![
            Cell::Text(self.total()),
            Cell::Count(accesses.accesses),
            Cell::Count(accesses.visitors_days),
            Cell::Count(accesses.service_uses),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ]];
        section("accesses", title, vec![table.into()])
    }

    /// Writes accesses by class of device, and the share of mobile devices by month.
    pub(super) fn devices(self) -> Section {
        let devices = &self.report.devices;
        let columns = vec![
            Column::text(self.say("Dispositivo", "Device")),
            Column::number(self.say("Accessi", "Accesses")),
            Column::number(self.say("Quota", "Share")),
        ];
        let row = |name: String, accesses, share| {
            vec![Cell::Text(name), Cell::Count(accesses), Cell::share(share)]
        };
        let rows = devices.classes.iter().map(|class| {
            let name = self.device(class.device);
            row(name, class.accesses, class.share_percent)
        });
        let caption = self.say(
            "Dispositivi (numero di accessi)",
            "Devices (number of accesses)",
        );
        let mut table = table("devices", caption, columns, rows.collect());
        let mobile = devices.smartphone_and_tablet;
        let all = crate::ratio::share_percent(devices.accesses, devices.accesses);
        table.sums = vec![
            row(self.say("Persone", "People"), devices.accesses, all),
            row(
                self.say("Smartphone e tablet", "Smartphone and tablet"),
                mobile.accesses,
                mobile.share_percent,
            ),
        ];
        let bots = self.language.count(devices.bot_accesses);
        let bots = self.say(
            &format!("Bot, a parte e fuori dalle quote: {bots} accessi."),
            &format!("Bots, apart and in no share: {bots} accesses."),
        );
        let mut blocks = vec![table.into(), Block::Text(bots)];
        blocks.extend(self.mobile_trend());
        section("devices", self.say("Dispositivi", "Devices"), blocks)
    }

    fn mobile_trend(self) -> Vec<Block> {
        let Some(months) = &self.report.months else {
            return self.not_kept();
        };
        let caption = self.say(
            "Accessi per mese, e quota di smartphone e tablet",
            "Accesses by month, and the share of smartphones and tablets",
        );
        let year = self.report.year.to_string();
        let mut columns = vec![
            Column::text(self.say("Mese", "Month")),
            Column::number(self.say("Accessi", "Accesses")),
            Column::number(self.say("Smartphone e tablet", "Smartphone and tablet"))
                .or(self.say("Mobili", "Mobile")),
            Column::number(self.say("Quota", "Share")),
        ];
        let compared = self.report.compared_year.filter(|_| {
            months
                .iter()
                .any(|row| row.compared_mobile_share_percent.is_some())
        });
        if let Some(year) = compared {
            columns.push(Column::number(
                self.say(&format!("Quota {year}"), &format!("Share {year}")),
            ));
        }
        columns.push(Column::number(
            self.say("Visitatori-giorno", "Visitor-days"),
        ));
        columns.push(Column::number(self.say("Usi", "Uses")));
        let rows = months.iter().map(|row| {
            let mut cells = vec![
                Cell::Text(self.month(row.month)),
                Cell::Count(row.accesses),
                Cell::Count(row.mobile_accesses),
                Cell::share(row.mobile_share_percent),
            ];
            if compared.is_some() {
                cells.push(Cell::share(row.compared_mobile_share_percent));
            }
            cells.extend([
                Cell::Count(row.visitors_days),
                Cell::Count(row.service_uses),
            ]);
            cells
        });
        let table = table("months", caption, columns, rows.collect());
        let mut series = vec![Series {
            name: year,
            values: months.iter().map(|row| row.mobile_share_percent).collect(),
        }];
        if let Some(year) = compared {
            series.push(Series {
                name: year.to_string(),
                values: months
                    .iter()
                    .map(|row| row.compared_mobile_share_percent)
                    .collect(),
            });
        }
        let chart = Chart {
            id: "months-chart",
            title: self.say(
                "Quota di smartphone e tablet per mese (% degli accessi)",
                "Share of smartphones and tablets by month (% of accesses)",
            ),
            description: self.say(
                "Linea della quota mese per mese; le cifre sono nella tabella che segue.",
                "Line of the share month by month; the figures are in the table that follows.",
            ),
            kind: ChartKind::Lines,
            labels: (1..=12).map(|month| self.month(month)).collect(),
            series,
            percent: true,
        };
        vec![chart.into(), table.into()]
    }

    /// Returns the name of a kind of login.
    pub(super) fn login(self, login: &str) -> String {
        match login {
            "spid-1" => self.say("SPID livello 1", "SPID level 1"),
            "spid-2" => self.say("SPID livello 2", "SPID level 2"),
            "spid-3" => self.say("SPID livello 3", "SPID level 3"),
            "cie" => self.say(
                "Carta d’identità elettronica (CIE)",
                "Electronic identity card (CIE)",
            ),
            "cns" => self.say(
                "Carta nazionale dei servizi (CNS)",
                "National services card (CNS)",
            ),
            "password" => self.say("Nome utente e password", "User name and password"),
            "none" => self.say("Senza identificazione", "Not identified"),
            other => harmless(other),
        }
    }

    /// Writes use by kind of login.
    pub(super) fn logins(self) -> Section {
        let title = self.say("Identificazione degli utenti", "How users were identified");
        let Some(logins) = &self.report.logins else {
            return section("logins", title, self.not_kept());
        };
        let columns = vec![
            Column::text(self.say("Identità", "Login")),
            Column::number(self.say("Usi", "Uses")),
            Column::number(self.say("Quota", "Share")),
            Column::number(self.say("Accessi", "Accesses")),
        ];
        let rows = logins.iter().map(|row| {
            let name = self.login(&row.login);
            vec![
                Cell::Text(name),
                Cell::Count(row.service_uses),
                Cell::share(row.share_percent),
                Cell::Count(row.accesses),
            ]
        });
        let caption = self.say(
            "Usi e accessi per tipo di identità digitale (numero)",
            "Uses and accesses by kind of login (number)",
        );
        let table = table("logins", caption, columns, rows.collect());
        section("logins", title, vec![table.into()])
    }

    /// Writes accesses from Italy and abroad; no blocks when no country is known.
    pub(super) fn places(self) -> Section {
        let places = &self.report.places;
        let title = self.say("Provenienza", "Where from");
        if places.italy_share_percent.is_none() {
            return section("places", title, Vec::new());
        }
        let columns = vec![
            Column::text(self.say("Da", "From")),
            Column::number(self.say("Accessi", "Accesses")),
            Column::number(self.say("Quota", "Share")),
        ];
        let rows = vec![
            vec![
                Cell::Text(self.say("Italia", "Italy")),
                Cell::Count(places.italy_accesses),
                Cell::share(places.italy_share_percent),
            ],
            vec![
                Cell::Text(self.say("Estero", "Abroad")),
                Cell::Count(places.abroad_accesses),
                Cell::share(places.abroad_share_percent),
            ],
        ];
        let caption = self.say(
            "Provenienza (numero di accessi)",
            "Where from (number of accesses)",
        );
        let unknown = self.language.count(places.unknown_accesses);
        let unknown = self.say(
            &format!("Ignota, fuori dalle quote: {unknown} accessi."),
            &format!("Unknown, in no share: {unknown} accesses."),
        );
        let table = table("places", caption, columns, rows);
        section("places", title, vec![table.into(), Block::Text(unknown)])
    }
}
