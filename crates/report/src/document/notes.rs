//! Notices as sentences.

use super::Writer;
use crate::text::harmless;
use crate::{Language, Notice};

impl Writer<'_> {
    /// Returns a notice as a sentence.
    pub(super) fn notice(self, notice: &Notice) -> String {
        match self.language {
            Language::Italian => italian(self, notice),
            Language::English => english(self, notice),
        }
    }

    fn ente_name(self, code: &str) -> String {
        let enti = self
            .report
            .accesses
            .iter()
            .flat_map(|accesses| &accesses.enti);
        let mut known = enti.map(|row| &row.name).filter(|name| name.ente == code);
        known.next().map_or(code, |name| &name.ente_name).to_owned()
    }
}

/// Writes a notice in Italian.
fn italian(writer: Writer<'_>, notice: &Notice) -> String {
    let report = writer.report;
    let n = |count: u64| Language::Italian.count(count);
    let uses = |count: u64| plural(count, "uso", "usi", Language::Italian);
    let enti = |count: usize| plural(count as u64, "ente", "enti", Language::Italian);
    let day = Language::Italian.date(report.offered_on);
    match notice {
        Notice::NoData { year } => format!("Nessun dato per il {year}."),
        Notice::NoDataToCompare { year } => {
            format!("Nessun uso registrato nel {year}: le variazioni non sono definite.")
        }
        Notice::KindsDoNotAddUp {
            service_uses,
            kinds_sum,
        } => format!(
            "I tipi non danno il totale: semplici, pagamenti e prenotazioni sono {}, gli usi {}.",
            n(*kinds_sum),
            n(*service_uses)
        ),
        Notice::UnregisteredUse { service_uses } => format!(
            "Di servizi o enti assenti dal registro: {}.",
            uses(*service_uses)
        ),
        Notice::UnregisteredEnti {
            enti: count,
            service_uses,
        } => format!(
            "Assenti dal registro: {}, con {}.",
            enti(*count),
            uses(*service_uses)
        ),
        Notice::UnknownCategory {
            category,
            service_uses,
        } => format!(
            "Nella categoria {}, assente dal registro: {}.",
            harmless(category),
            uses(*service_uses)
        ),
        Notice::ServicesNotOffered {
            services,
            service_uses,
        } => format!(
            "Di servizi che nessun ente offriva il {day}: {} ({}).",
            uses(*service_uses),
            plural(*services as u64, "servizio", "servizi", Language::Italian)
        ),
        Notice::CategoriesNotOffered {
            enti: count,
            ente_categories,
            service_uses,
        } => format!(
            "In categorie in cui il {day} l’ente non offriva alcun servizio: {} ({}, {} di ente e categoria).",
            uses(*service_uses),
            enti(*count),
            plural(
                *ente_categories as u64,
                "coppia",
                "coppie",
                Language::Italian
            )
        ),
        Notice::ServiceUsesDisagree {
            by_ente,
            by_service,
        } => format!(
            "Le somme non concordano: {} per ente, {} per servizio.",
            uses(*by_ente),
            n(*by_service)
        ),
        Notice::AccessesDisagree { by_device, by_band } => format!(
            "Le somme non concordano: {} per dispositivo, {} per fascia oraria.",
            plural(*by_device, "accesso", "accessi", Language::Italian),
            n(*by_band)
        ),
        Notice::UsersDisagree { by_band, by_hour } => format!(
            "Le somme non concordano: {} per fascia oraria, {} per ora del giorno.",
            plural(*by_band, "utente", "utenti", Language::Italian),
            n(*by_hour)
        ),
        Notice::SilentDays { ente, days, from } => format!(
            "{}: nessun evento per {} dal {}.",
            harmless(&writer.ente_name(ente)),
            plural(*days, "giorno", "giorni", Language::Italian),
            Language::Italian.day(from)
        ),
        Notice::LevelShift {
            device,
            day,
            rules,
            before_percent,
            after_percent,
        } => format!(
            "Dal {}, con le regole {}, la quota di accessi {} passa dal {} al {}.",
            Language::Italian.day(day),
            harmless(rules),
            harmless(device),
            Language::Italian.share(Some(*before_percent)),
            Language::Italian.share(Some(*after_percent))
        ),
        Notice::FiguresNotKept => {
            "L’anno è stato chiuso da una versione precedente: alcune cifre non sono disponibili."
                .to_owned()
        }
        Notice::MonthsInDoubt { months } => format!(
            "Le cifre di {} possono essere troppo basse o troppo alte: il confronto con gli eventi è in corso.",
            months.join(", ")
        ),
        Notice::RecordsLost(loss) => format!(
            "Fino a {} perse prima del conteggio, possibili tra il {} e il {}: {}.",
            plural(
                loss.records,
                "registrazione",
                "registrazioni",
                Language::Italian
            ),
            Language::Italian.day(&loss.from),
            Language::Italian.day(&loss.to),
            harmless(&loss.reason)
        ),
    }
}

/// Writes a notice in English.
fn english(writer: Writer<'_>, notice: &Notice) -> String {
    let report = writer.report;
    let n = |count: u64| Language::English.count(count);
    let uses = |count: u64| plural(count, "use", "uses", Language::English);
    let enti = |count: usize| plural(count as u64, "ente", "enti", Language::English);
    let day = Language::English.date(report.offered_on);
    match notice {
        Notice::NoData { year } => format!("No data for {year}."),
        Notice::NoDataToCompare { year } => {
            format!("No use recorded in {year}: changes are not defined.")
        }
        Notice::KindsDoNotAddUp {
            service_uses,
            kinds_sum,
        } => format!(
            "Kinds do not add up: plain uses, payments and bookings are {}, all uses {}.",
            n(*kinds_sum),
            n(*service_uses)
        ),
        Notice::UnregisteredUse { service_uses } => format!(
            "Of services or enti that the register does not have: {}.",
            uses(*service_uses)
        ),
        Notice::UnregisteredEnti {
            enti: count,
            service_uses,
        } => format!(
            "Not in the register: {}, with {}.",
            enti(*count),
            uses(*service_uses)
        ),
        Notice::UnknownCategory {
            category,
            service_uses,
        } => format!(
            "In category {}, which the register does not have: {}.",
            harmless(category),
            uses(*service_uses)
        ),
        Notice::ServicesNotOffered {
            services,
            service_uses,
        } => format!(
            "Of services that no ente offered on {day}: {} ({}).",
            uses(*service_uses),
            plural(*services as u64, "service", "services", Language::English)
        ),
        Notice::CategoriesNotOffered {
            enti: count,
            ente_categories,
            service_uses,
        } => format!(
            "In categories in which the ente offered no service on {day}: {} ({}, {} of ente and category).",
            uses(*service_uses),
            enti(*count),
            plural(*ente_categories as u64, "pair", "pairs", Language::English)
        ),
        Notice::ServiceUsesDisagree {
            by_ente,
            by_service,
        } => format!(
            "Sums disagree: {} by ente, {} by service.",
            uses(*by_ente),
            n(*by_service)
        ),
        Notice::AccessesDisagree { by_device, by_band } => format!(
            "Sums disagree: {} by device, {} by band of the day.",
            plural(*by_device, "access", "accesses", Language::English),
            n(*by_band)
        ),
        Notice::UsersDisagree { by_band, by_hour } => format!(
            "Sums disagree: {} by band of the day, {} by hour of the day.",
            plural(*by_band, "user", "users", Language::English),
            n(*by_hour)
        ),
        Notice::SilentDays { ente, days, from } => format!(
            "{}: no event for {} from {}.",
            harmless(&writer.ente_name(ente)),
            plural(*days, "day", "days", Language::English),
            Language::English.day(from)
        ),
        Notice::LevelShift {
            device,
            day,
            rules,
            before_percent,
            after_percent,
        } => format!(
            "From {}, under rules {}, the share of {} accesses went from {} to {}.",
            Language::English.day(day),
            harmless(rules),
            harmless(device),
            Language::English.share(Some(*before_percent)),
            Language::English.share(Some(*after_percent))
        ),
        Notice::FiguresNotKept => {
            "The year was closed by an earlier version: some figures are not available.".to_owned()
        }
        Notice::MonthsInDoubt { months } => format!(
            "Figures of {} may be too low or too high: they are being compared with the events.",
            months.join(", ")
        ),
        Notice::RecordsLost(loss) => format!(
            "Up to {} lost before they were counted, possible from {} to {}: {}.",
            plural(loss.records, "record", "records", Language::English),
            Language::English.day(&loss.from),
            Language::English.day(&loss.to),
            harmless(&loss.reason)
        ),
    }
}

/// Formats a count with its noun: `1 uso`, `2 usi`.
fn plural(count: u64, one: &str, many: &str, language: Language) -> String {
    format!(
        "{} {}",
        language.count(count),
        if count == 1 { one } else { many }
    )
}
