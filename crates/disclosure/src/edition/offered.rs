use affluenza_register::{Register, Validity};
use jiff::civil::{Date, date};

/// A service that a public body offers in one category. Uses of it may occur in this cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Code of the public body.
    pub ente: String,
    /// Category of the service.
    pub category: String,
    /// `plain`, `payment` or `booking`, as the public body offers it.
    pub kind: String,
    /// Code of the service.
    pub service: String,
}

/// Returns every offer of the register that is valid on any day of a year.
pub fn offered(register: &Register, year: i16) -> Vec<Offered> {
    let (first, next) = (first_of(year), first_of(year.saturating_add(1)));
    let days = Validity {
        from: first,
        to: next,
    };
    let mut all = Vec::new();
    for offer in register.deployments() {
        for (of_category, category) in offer.service.categories() {
            let both = offer.validity.intersection(&of_category);
            if both.is_some_and(|both| both.intersection(&days).is_some()) {
                all.push(Offered {
                    ente: offer.ente.code().to_owned(),
                    category: category.code().to_owned(),
                    kind: offer.nature.to_string(),
                    service: offer.service.code().to_owned(),
                });
            }
        }
    }
    all
}

fn first_of(year: i16) -> Option<Date> {
    (-9999..=9999).contains(&year).then(|| date(year, 1, 1))
}
