//! Names of codes, from the register.

use affluenza_disclosure::edition::Label;
use affluenza_register::{Ente, Portal, Register, Service};
use affluenza_store::usage::{Dimension, KnownCodes, UNREGISTERED};

use crate::answer::Value;

/// Returns the codes of a register. An access may have no service.
pub(crate) fn known_codes(register: &Register) -> KnownCodes {
    let services = register.services().map(Service::code).chain([""]);
    KnownCodes::default()
        .with(Dimension::Ente, register.enti().map(Ente::code))
        .with(Dimension::Portal, register.portals().map(Portal::code))
        .with(Dimension::Service, services)
}

/// Returns the first label that stands for codes which the register does not know.
pub(crate) fn unregistered(labels: &[Label]) -> Option<&Label> {
    use Dimension::{Ente, Portal, Service};
    let mut labels = labels.iter();
    labels.find(|label| {
        label.text == UNREGISTERED && matches!(label.dimension, Ente | Portal | Service)
    })
}

/// Looks up the names of codes.
pub(crate) struct CodeNames<'r>(pub &'r Register);

impl CodeNames<'_> {
    /// Returns the columns of some dimensions, each followed by its names.
    pub fn columns(dimensions: &[Dimension]) -> Vec<&'static str> {
        let columns = dimensions.iter().flat_map(|dimension| {
            let names = Self::name_columns(*dimension).iter().copied();
            std::iter::once(dimension.name()).chain(names)
        });
        columns.collect()
    }

    /// Returns the values of these columns. `codes` is the number of codes that the row sums.
    pub fn row(&self, labels: &[Label], codes: u64) -> Vec<Value> {
        let mut row = Vec::new();
        for label in labels {
            row.push(match unregistered(std::slice::from_ref(label)) {
                Some(_) => Value::Unregistered(codes),
                None => Value::Text(label.text.clone()),
            });
            row.extend(self.of(label.dimension, &label.text));
        }
        row
    }

    /// Returns the name columns that follow a dimension.
    fn name_columns(dimension: Dimension) -> &'static [&'static str] {
        match dimension {
            Dimension::Category => &["category_name_it", "category_name_en"],
            Dimension::Ente => &["ente_name"],
            Dimension::Service => &["service_name_it", "service_name_en"],
            _ => &[],
        }
    }

    /// Returns the values of these name columns.
    fn of(&self, dimension: Dimension, code: &str) -> Vec<Value> {
        match dimension {
            Dimension::Category => {
                let category = self.0.category(code);
                vec![
                    Value::text(category.map(|known| known.name_it())),
                    Value::text(category.map(|known| known.name_en())),
                ]
            }
            Dimension::Ente => vec![Value::text(self.0.ente(code).map(|known| known.name()))],
            Dimension::Service => {
                let service = self.0.service(code);
                vec![
                    Value::text(service.map(|known| known.name_it())),
                    Value::text(service.and_then(|known| known.name_en())),
                ]
            }
            _ => Vec::new(),
        }
    }
}
