//! Names of codes, from the register.

use affluenza_disclosure::edition::Label;
use affluenza_register::Register;
use affluenza_store::usage::Dimension;

use crate::answer::Value;

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

    /// Returns the values of these columns.
    pub fn row(&self, labels: &[Label]) -> Vec<Value> {
        let mut row = Vec::new();
        for label in labels {
            row.push(Value::Text(label.text.clone()));
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
