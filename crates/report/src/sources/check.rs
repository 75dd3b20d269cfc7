//! Checks for figures that contradict themselves, each other, or the register.

use affluenza_register::Register;
use serde::Serialize;

use super::read::CsvLines;
use super::{ActiveServices, FigureSet, Figures, SourceError};
use crate::ratio::change_percent;
use crate::text::harmless;
use affluenza_words::Language;

/// Tolerance for a claimed growth, in percentage points, because it was rounded.
const ROUNDING: f64 = 0.5;

/// A figure that cannot be right.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ImplausibleFigure {
    /// A part is greater than its total.
    PartAboveTotal {
        /// Subject: an ente, a year, or a category and year.
        of: String,
        /// Name of the part: payments, bookings, CNS.
        part: String,
        /// Count of the part.
        count: u64,
        /// Count of the total.
        total: u64,
    },
    /// Figures do not add up to their total.
    SumsDisagree {
        /// Subject: an ente.
        of: String,
        /// Sum of the figures.
        sum: u64,
        /// Claimed total.
        total: u64,
    },
    /// A claimed growth does not match its two figures.
    WrongGrowth {
        /// Subject, as the source writes it.
        of: String,
        /// Earlier figure.
        before: u64,
        /// Later figure.
        now: u64,
        /// Claimed growth, in percent.
        said_percent: f64,
        /// Computed growth, in percent; `None` on a zero base.
        growth_percent: Option<f64>,
    },
    /// An ente is not in the register.
    UnknownEnte {
        /// Name as the source writes it.
        ente: String,
    },
    /// The source and the register count different numbers of services.
    RegisterDisagrees {
        /// Name of the ente, as the source writes it.
        ente: String,
        /// Services by the source.
        said: u64,
        /// Services by the register.
        registered: u64,
    },
}

fn part(of: &str, part: &str, count: u64, total: u64) -> Option<ImplausibleFigure> {
    (count > total).then(|| ImplausibleFigure::PartAboveTotal {
        of: of.to_owned(),
        part: part.to_owned(),
        count,
        total,
    })
}

/// Returns every doubt about a set of figures.
pub fn check(set: &FigureSet, register: &Register) -> Vec<ImplausibleFigure> {
    match &set.figures {
        Figures::IdentityCredentials(rows) => rows
            .iter()
            .filter_map(|row| {
                part(
                    &row.year.to_string(),
                    "cns",
                    row.of_which_cns?,
                    row.activated,
                )
            })
            .collect(),
        Figures::ActiveServices(rows) => active_services(rows, register),
        Figures::Table(table) => {
            let unknown = table.enti().filter(|name| register.ente(name).is_none());
            let doubts = unknown.map(|ente| ImplausibleFigure::UnknownEnte {
                ente: ente.to_owned(),
            });
            doubts.collect()
        }
        // Requests of a month may be solved in another month, and alerts have no parts.
        Figures::HelpDesk(_) | Figures::ProbeAlerts(_) | Figures::Availability(_) => Vec::new(),
    }
}

fn active_services(rows: &[ActiveServices], register: &Register) -> Vec<ImplausibleFigure> {
    let mut doubts = Vec::new();
    for row in rows {
        let sum = row.by_category.values().sum();
        if sum != row.total {
            doubts.push(ImplausibleFigure::SumsDisagree {
                of: row.ente.clone(),
                sum,
                total: row.total,
            });
        }
        doubts.extend(part(
            &row.ente,
            "payments",
            row.of_which_payments,
            row.total,
        ));
        doubts.extend(part(
            &row.ente,
            "bookings",
            row.of_which_bookings,
            row.total,
        ));
        let Some(ente) = register.ente(&row.ente) else {
            let ente = row.ente.clone();
            doubts.push(ImplausibleFigure::UnknownEnte { ente });
            continue;
        };
        let Ok(day) = jiff::civil::Date::new(row.year, 12, 31) else {
            continue;
        };
        let offered = register.deployments_of(ente);
        let registered = offered.filter(|it| it.validity.contains(day)).count() as u64;
        if registered != row.total {
            doubts.push(ImplausibleFigure::RegisterDisagrees {
                ente: row.ente.clone(),
                said: row.total,
                registered,
            });
        }
    }
    doubts
}

/// Returns doubts about a CSV file of uses, with the columns year, category, service_uses,
/// of_which_payments and of_which_bookings.
///
/// # Errors
/// The file does not have this form.
pub fn check_usage(text: &str) -> Result<Vec<ImplausibleFigure>, SourceError> {
    let mut doubts = Vec::new();
    for line in CsvLines::read(text)?.rows {
        let of = format!("{} {}", line.text("category")?, line.text("year")?);
        let total: u64 = line.number("service_uses")?;
        let payments: u64 = line.optional("of_which_payments")?.unwrap_or(0);
        let bookings: u64 = line.optional("of_which_bookings")?.unwrap_or(0);
        let both = payments.saturating_add(bookings);
        doubts.extend(part(&of, "payments and bookings", both, total));
    }
    Ok(doubts)
}

/// Returns doubts about a CSV file of printed changes, with the columns what, before, now and
/// said_percent.
///
/// # Errors
/// The file does not have this form.
pub fn check_growth(text: &str) -> Result<Vec<ImplausibleFigure>, SourceError> {
    let mut doubts = Vec::new();
    for line in CsvLines::read(text)?.rows {
        let (before, now): (u64, u64) = (line.number("before")?, line.number("now")?);
        let said_percent: f64 = line.number("said_percent")?;
        let growth_percent = change_percent(now, Some(before));
        let is_right =
            growth_percent.is_some_and(|growth| (growth - said_percent).abs() <= ROUNDING);
        if !is_right {
            doubts.push(ImplausibleFigure::WrongGrowth {
                of: line.text("what")?.to_owned(),
                before,
                now,
                said_percent,
                growth_percent,
            });
        }
    }
    Ok(doubts)
}

impl ImplausibleFigure {
    /// Returns the doubt as a sentence.
    pub fn sentence(&self, language: Language) -> String {
        match self {
            Self::PartAboveTotal {
                of,
                part,
                count,
                total,
            } => {
                let part = match &**part {
                    "payments" | "bookings" | "cns" => part,
                    _ => "parts",
                };
                language.say(
                    &format!("doubt-{part}-above-total"),
                    &[
                        ("of", harmless(of).into()),
                        ("count", (*count).into()),
                        ("total", (*total).into()),
                    ],
                )
            }
            Self::SumsDisagree { of, sum, total } => language.say(
                "doubt-sums",
                &[
                    ("of", harmless(of).into()),
                    ("sum", (*sum).into()),
                    ("total", (*total).into()),
                ],
            ),
            Self::WrongGrowth {
                of,
                before,
                now,
                said_percent,
                growth_percent,
            } => language.say(
                "doubt-growth",
                &[
                    ("of", harmless(of).into()),
                    ("before", (*before).into()),
                    ("now", (*now).into()),
                    ("growth", language.change(*growth_percent).into()),
                    ("said", language.change(Some(*said_percent)).into()),
                ],
            ),
            Self::UnknownEnte { ente } => {
                language.say("doubt-unknown-ente", &[("of", harmless(ente).into())])
            }
            Self::RegisterDisagrees {
                ente,
                said,
                registered,
            } => language.say(
                "doubt-register",
                &[
                    ("of", harmless(ente).into()),
                    ("said", (*said).into()),
                    ("registered", (*registered).into()),
                ],
            ),
        }
    }
}
