//! The tables of a year, and their rows.

use crate::Count;
use crate::edition::{Dimension, PublicCell, PublicMeasure, PublicYear};
use affluenza_register::Register;

/// A table of the edition.
pub(crate) struct EditionTable {
    /// Name of the file, without year and extension. The message `data-NAME` has the title, its
    /// attribute `about` the description.
    pub name: &'static str,
    measure: PublicMeasure,
    /// Dimensions of the rows, in the order of the columns.
    pub by: &'static [Dimension],
}

pub(crate) static SHEETS: [EditionTable; 8] = [
    EditionTable {
        name: "utilizzi-per-categoria",
        measure: PublicMeasure::Uses,
        by: &[Dimension::Category, Dimension::Kind],
    },
    EditionTable {
        name: "utilizzi-per-ente",
        measure: PublicMeasure::Uses,
        by: &[Dimension::Ente, Dimension::Kind],
    },
    EditionTable {
        name: "utilizzi-per-ente-e-categoria",
        measure: PublicMeasure::Uses,
        by: &[Dimension::Ente, Dimension::Category, Dimension::Kind],
    },
    EditionTable {
        name: "utilizzi-per-servizio",
        measure: PublicMeasure::Uses,
        by: &[Dimension::Service, Dimension::Category],
    },
    EditionTable {
        name: "utilizzi-per-mese",
        measure: PublicMeasure::Uses,
        by: &[Dimension::Month, Dimension::Ente],
    },
    EditionTable {
        name: "accessi-per-dispositivo",
        measure: PublicMeasure::Accesses,
        by: &[Dimension::Month, Dimension::Device],
    },
    EditionTable {
        name: "accessi-per-tipo-di-portale",
        measure: PublicMeasure::Accesses,
        by: &[Dimension::PortalKind, Dimension::Month, Dimension::Device],
    },
    EditionTable {
        name: "accessi-per-giorno-e-ora",
        measure: PublicMeasure::Accesses,
        by: &[Dimension::Weekday, Dimension::Hour],
    },
];

impl EditionTable {
    /// Returns the column names.
    pub fn header(&self) -> Vec<String> {
        let mut header = Vec::new();
        for dimension in self.by {
            header.push(dimension.name().to_owned());
            if has_name(*dimension) {
                header.push(format!("{}_name", dimension.name()));
            }
        }
        let figure = match self.measure {
            PublicMeasure::Uses => "service_uses",
            PublicMeasure::Accesses => "accesses",
            PublicMeasure::UsersOfHours => "users_hours",
        };
        header.extend([figure, "status"].map(str::to_owned));
        header
    }

    /// Returns the rows of a year or a month.
    pub fn rows(&self, public: &PublicYear, register: &Register) -> Vec<Vec<String>> {
        let cells = public.cells(self.measure, self.by).into_iter();
        cells.map(|cell| row(cell, register)).collect()
    }
}

/// Joins labels, figure and status. Without the status, an empty figure could be mistaken for an
/// error.
fn row(cell: PublicCell, register: &Register) -> Vec<String> {
    let mut row = Vec::new();
    for label in cell.labels {
        let name = has_name(label.dimension).then(|| name(register, label.dimension, &label.text));
        row.push(match label.dimension {
            Dimension::Hour => format!("{:0>2}", label.text),
            _ => label.text,
        });
        row.extend(name);
    }
    let (figure, status) = match cell.count {
        Count::Shown(count) => (count.to_string(), "shown"),
        Count::Hidden => (String::new(), Count::SUPPRESSED),
    };
    row.extend([figure, status.to_owned()]);
    row
}

fn has_name(dimension: Dimension) -> bool {
    matches!(
        dimension,
        Dimension::Ente | Dimension::Category | Dimension::Service
    )
}

/// Returns a name from the register. An unknown code stands for itself.
fn name(register: &Register, dimension: Dimension, code: &str) -> String {
    let found = match dimension {
        Dimension::Ente => register.ente(code).map(|ente| ente.name()),
        Dimension::Category => register.category(code).map(|category| category.name_it()),
        _ => register.service(code).map(|service| service.name_it()),
    };
    found.unwrap_or(code).to_owned()
}
