//! Names of codes, from the register.

use affluenza_register::Register;
use affluenza_store::usage::Dimension;

use crate::answer::Value;

/// Looks up the names of codes.
pub(crate) struct Names<'r>(pub &'r Register);

impl Names<'_> {
    /// Returns the name columns that follow a dimension.
    pub fn columns(dimension: Dimension) -> &'static [&'static str] {
        match dimension {
            Dimension::Category => &["category_name_it", "category_name_en"],
            Dimension::Ente => &["ente_name"],
            Dimension::Service => &["service_name_it", "service_name_en"],
            _ => &[],
        }
    }

    /// Returns the values of these name columns.
    pub fn of(&self, dimension: Dimension, code: &str) -> Vec<Value> {
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
