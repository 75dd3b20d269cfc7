//! Errors before the first event. A running simulation cannot fail.

use thiserror::Error;

/// Error in a file of figures, in one line with position, cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {cause}: {remedy}", place(file, *line))]
pub struct FiguresError {
    /// File name without the folder.
    file: String,
    /// Line, from 1; `None` for the file as a whole.
    line: Option<u64>,
    cause: String,
    remedy: String,
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
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line,
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }
}

/// Errors of the construction of a simulation.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SimulationError {
    /// The figures contradict each other or the register.
    #[error(transparent)]
    Figures(#[from] FiguresError),
    /// A category has uses but no service.
    #[error(
        "category {category:?} has {uses} uses in {year}, but the register has no service of it in that year: add a [[service]], or correct its dates"
    )]
    #[expect(missing_docs, reason = "the names say it")]
    NoService {
        category: String,
        uses: u64,
        year: i16,
    },
    /// A category has uses, but neither the figures nor the register assign them to an ente.
    #[error(
        "category {category:?} has {uses} uses in {year}, but no ente of the register offers it in that year and no table by ente assigns them: add a deployment, or usage_{year}_by_ente.csv"
    )]
    #[expect(missing_docs, reason = "the names say it")]
    NoEnte {
        category: String,
        uses: u64,
        year: i16,
    },
    /// The figures have users, but no ente has uses or offers services on a portal.
    #[error(
        "the figures have users, but no ente of the register offers anything in {0}: add deployments"
    )]
    NoVisits(i16),
    /// An ente has events, but no portal to emit them.
    #[error("ente {0:?} has no portal: add a [[portal]] for it to the register")]
    NoPortal(String),
    /// The scale is not a positive number, or gives too many events to count.
    #[error(
        "scale {0} is not usable with these figures: write a number above 0, at most {max}, and less if the figures are large",
        max = crate::SCALE_MAX
    )]
    BadScale(f64),
}
