//! What can go wrong before the first event; afterwards nothing can.

use thiserror::Error;

/// What is wrong with a file of figures: one line with its place, its cause and its mend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {cause}: {mend}", place(file, *line))]
pub struct FiguresError {
    /// Name of the file, without its folder.
    pub file: String,
    /// Line, from 1; `None` when the whole file is meant.
    pub line: Option<u64>,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub mend: String,
}

fn place(file: &str, line: Option<u64>) -> String {
    match line {
        Some(line) => format!("{file}, line {line}"),
        None => file.to_owned(),
    }
}

impl FiguresError {
    pub(crate) fn new(
        file: &str,
        line: Option<u64>,
        cause: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line,
            cause: cause.into(),
            mend: mend.into(),
        }
    }
}

/// Why a simulation cannot be built.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SimulationError {
    /// The figures do not agree with themselves or with the register.
    #[error(transparent)]
    Figures(#[from] FiguresError),
    /// A category has uses but nothing to use.
    #[error(
        "category {category:?} has {uses} uses in {year}, but the register has no service of it in that year: add a [[service]], or correct its dates"
    )]
    NoService {
        /// Code of the category.
        category: String,
        /// How many uses.
        uses: u64,
        /// The year.
        year: i16,
    },
    /// A category has uses, the figures do not say whose, and nobody offers it.
    #[error(
        "category {category:?} has {uses} uses in {year}, but no ente of the register offers it in that year and no table by ente says whose they are: add a deployment, or usage_{year}_by_ente.csv"
    )]
    NoEnte {
        /// Code of the category.
        category: String,
        /// How many uses.
        uses: u64,
        /// The year.
        year: i16,
    },
    /// There are users but no ente with a portal.
    #[error(
        "the figures have users, but no ente of the register offers anything in {0}: add deployments"
    )]
    NoVisits(i16),
    /// An ente with events but without a portal to emit them.
    #[error("ente {0:?} has no portal: add a [[portal]] for it to the register")]
    NoPortal(String),
    /// A scale that is not a positive number, or that makes more events than can be counted.
    #[error(
        "scale {0} is not usable with these figures: write a number above 0, at most {max}, and less if the figures are large",
        max = crate::SCALE_MAX
    )]
    BadScale(f64),
    /// A zone whose clock changes are not whole hours.
    #[error(
        "the clock of zone {0:?} does not go by whole hours in that year, so its hours cannot be counted: choose another zone"
    )]
    BadZone(String),
}
