//! The tables of a year, and their rows.

use affluenza_disclosure::Count;
use affluenza_edition::{Accesses, PublicYear, Uses, hour_of};
use affluenza_register::Register;

/// A table of the edition.
pub(crate) struct Sheet {
    /// Name of the file, without year and extension.
    pub name: &'static str,
    pub title_it: &'static str,
    pub title_en: &'static str,
    pub about_it: &'static str,
    pub header: &'static [&'static str],
    pub rows: Vec<Vec<String>>,
}

/// Returns every table of a year. Years closed by an earlier version have no table of hours.
pub(crate) fn sheets(public: &PublicYear, register: &Register) -> Vec<Sheet> {
    let (uses, accesses) = (public.uses(), public.accesses());
    let names = Names(register);
    let mut sheets = vec![
        categories(uses, &names),
        enti(uses, &names),
        cells(uses, &names),
        services(uses, &names),
        months(uses, &names),
        devices(accesses),
    ];
    if public.has_hours() {
        sheets.push(hours(accesses));
    }
    sheets
}

fn categories(public: &Uses, names: &Names<'_>) -> Sheet {
    let rows = public.cells().filter_map(|(labels, cell)| match labels {
        [None, Some(category), Some(kind), None, None, None] => {
            Some(row([category, &names.category(category), kind], cell))
        }
        _ => None,
    });
    Sheet {
        name: "utilizzi-per-categoria",
        title_it: "Utilizzi dei servizi digitali per categoria e tipo",
        title_en: "Uses of digital services by category and kind",
        about_it: "Utilizzi completati da persone, per categoria di servizio e tipo (semplice, pagamento, prenotazione).",
        header: &[
            "category",
            "category_name",
            "kind",
            "service_uses",
            "status",
        ],
        rows: rows.collect(),
    }
}

fn enti(public: &Uses, names: &Names<'_>) -> Sheet {
    let rows = public.cells().filter_map(|(labels, cell)| match labels {
        [Some(ente), None, Some(kind), None, None, None] => {
            Some(row([ente, &names.ente(ente), kind], cell))
        }
        _ => None,
    });
    Sheet {
        name: "utilizzi-per-ente",
        title_it: "Utilizzi dei servizi digitali per ente e tipo",
        title_en: "Uses of digital services by public body and kind",
        about_it: "Utilizzi completati da persone, per ente (codice IPA) e tipo (semplice, pagamento, prenotazione).",
        header: &["ente", "ente_name", "kind", "service_uses", "status"],
        rows: rows.collect(),
    }
}

fn cells(public: &Uses, names: &Names<'_>) -> Sheet {
    let rows = public.cells().filter_map(|(labels, cell)| match labels {
        [Some(ente), Some(category), Some(kind), None, None, None] => {
            let [ente_name, category_name] = [names.ente(ente), names.category(category)];
            Some(row(
                [ente, &ente_name, category, &category_name, kind],
                cell,
            ))
        }
        _ => None,
    });
    Sheet {
        name: "utilizzi-per-ente-e-categoria",
        title_it: "Utilizzi dei servizi digitali per ente, categoria e tipo",
        title_en: "Uses of digital services by public body, category and kind",
        about_it: "Utilizzi completati da persone, per ente (codice IPA), categoria di servizio e tipo.",
        header: &[
            "ente",
            "ente_name",
            "category",
            "category_name",
            "kind",
            "service_uses",
            "status",
        ],
        rows: rows.collect(),
    }
}

fn services(public: &Uses, names: &Names<'_>) -> Sheet {
    let rows = public.cells().filter_map(|(labels, cell)| match labels {
        [None, Some(category), None, Some(service), None, None] => {
            let [category_name, name] = [names.category(category), names.service(service)];
            Some(row([service, &name, category, &category_name], cell))
        }
        _ => None,
    });
    Sheet {
        name: "utilizzi-per-servizio",
        title_it: "Utilizzi dei servizi digitali per servizio",
        title_en: "Uses of digital services by service",
        about_it: "Utilizzi completati da persone, per servizio, in tutti gli enti.",
        header: &[
            "service",
            "service_name",
            "category",
            "category_name",
            "service_uses",
            "status",
        ],
        rows: rows.collect(),
    }
}

fn months(public: &Uses, names: &Names<'_>) -> Sheet {
    let rows = public.cells().filter_map(|(labels, cell)| match labels {
        [Some(ente), None, None, None, Some(month), None] => {
            Some(row([month, ente, &names.ente(ente)], cell))
        }
        _ => None,
    });
    Sheet {
        name: "utilizzi-per-mese",
        title_it: "Utilizzi dei servizi digitali per mese ed ente",
        title_en: "Uses of digital services by month and public body",
        about_it: "Utilizzi completati da persone, per mese (AAAA-MM) ed ente (codice IPA).",
        header: &["month", "ente", "ente_name", "service_uses", "status"],
        rows: rows.collect(),
    }
}

fn devices(public: &Accesses) -> Sheet {
    let rows = public.cells().filter_map(|(labels, cell)| match labels {
        [Some(device), Some(month), None, None] => Some(row([month, device], cell)),
        _ => None,
    });
    Sheet {
        name: "accessi-per-dispositivo",
        title_it: "Accessi ai portali per mese e dispositivo",
        title_en: "Accesses to portals by month and device",
        about_it: "Accessi di persone alle pagine dei portali, per mese e classe di dispositivo.",
        header: &["month", "device", "accesses", "status"],
        rows: rows.collect(),
    }
}

fn hours(public: &Accesses) -> Sheet {
    let rows = public.cells().filter_map(|(labels, cell)| match labels {
        // The label of a band has no hour.
        [None, None, Some(weekday), Some(label)] => {
            let hour = format!("{:02}", hour_of(label)?);
            Some(row([weekday, &hour], cell))
        }
        _ => None,
    });
    Sheet {
        name: "accessi-per-giorno-e-ora",
        title_it: "Accessi ai portali per giorno della settimana e ora",
        title_en: "Accesses to portals by weekday and hour",
        about_it: "Accessi di persone alle pagine dei portali, per giorno della settimana (1 è lunedì) e ora locale.",
        header: &["weekday", "hour", "accesses", "status"],
        rows: rows.collect(),
    }
}

/// Joins labels, figure and status. Without the status, an empty figure could be mistaken for an
/// error.
fn row<const N: usize>(labels: [&str; N], cell: Count) -> Vec<String> {
    let (figure, status) = match cell {
        Count::Shown(count) => (count.to_string(), "shown"),
        Count::Hidden => (String::new(), "suppressed"),
    };
    let mut row = labels.map(str::to_owned).to_vec();
    row.extend([figure, status.to_owned()]);
    row
}

/// Names from the register. An unknown code stands for itself.
struct Names<'a>(&'a Register);

impl Names<'_> {
    fn ente(&self, code: &str) -> String {
        let found = self.0.ente(code);
        found.map_or(code, |ente| ente.name()).to_owned()
    }

    fn service(&self, code: &str) -> String {
        let found = self.0.service(code);
        found.map_or(code, |service| service.name_it()).to_owned()
    }

    fn category(&self, code: &str) -> String {
        let found = self.0.category(code);
        found.map_or(code, |category| category.name_it()).to_owned()
    }
}
