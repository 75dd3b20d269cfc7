//! Differences between two registers.

use std::cmp::Ordering;
use std::fmt;

use crate::model::{Category, Ente, Portal, Service, Validity};
use crate::register::{Offer, Register};

/// Fields of an entry with their values; absent values are empty.
type Fields = Vec<(&'static str, String)>;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `ente`, `category`, `service`, `portal` or `deployment`.
    pub table: &'static str,
    /// Code of the entry; `ente/portal` for a portal, `ente/service` for a deployment.
    pub code: String,
    /// Kind of change.
    pub what: ChangeKind,
}

/// Kind of change to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the new register has the entry.
    Added,
    /// Only the old register has the entry.
    Removed,
    /// A field of the entry has a different value.
    Changed {
        /// Name of the field.
        field: &'static str,
        /// Old value; empty if absent.
        before: String,
        /// New value; empty if absent.
        after: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, code, what } = self;
        match what {
            ChangeKind::Added => write!(f, "+ {table} {code}"),
            ChangeKind::Removed => write!(f, "- {table} {code}"),
            ChangeKind::Changed {
                field,
                before,
                after,
            } => write!(f, "~ {table} {code}: {field} {before:?} -> {after:?}"),
        }
    }
}

/// Entry of a table, as it is compared.
trait Entry {
    const TABLE: &'static str;

    /// Codes by which the entries of a table are sorted.
    fn key(&self) -> (&str, &str);
    fn fields(&self) -> Fields;

    fn is_same(&self, other: &Self) -> bool {
        self.fields() == other.fields()
    }

    fn change(&self, what: ChangeKind) -> Change {
        let (first, second) = self.key();
        Change {
            table: Self::TABLE,
            code: match second {
                "" => first.to_owned(),
                _ => format!("{first}/{second}"),
            },
            what,
        }
    }
}

/// Returns the changes from `before` to `after`, ordered by table and code.
pub fn diff(before: &Register, after: &Register) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&mut changes, before.enti(), after.enti());
    compare(&mut changes, before.services(), after.services());
    compare(&mut changes, before.categories(), after.categories());
    compare(&mut changes, before.portals(), after.portals());
    compare(&mut changes, offered(before), offered(after));
    changes.sort_by(|a, b| (a.table, &a.code).cmp(&(b.table, &b.code)));
    changes
}

/// Adds the changes of one table. Both sides are sorted by key, so one pass over both is enough.
fn compare<T: Entry>(
    changes: &mut Vec<Change>,
    before: impl Iterator<Item = T>,
    after: impl Iterator<Item = T>,
) {
    let (mut before, mut after) = (before.peekable(), after.peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (Some(old), Some(new)) => old.key().cmp(&new.key()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let old = before.next_if(|_| order.is_le());
        let new = after.next_if(|_| order.is_ge());
        match (old, new) {
            (Some(old), Some(new)) if !old.is_same(&new) => {
                for ((field, before), (_, after)) in old.fields().into_iter().zip(new.fields()) {
                    if before != after {
                        changes.push(old.change(ChangeKind::Changed {
                            field,
                            before,
                            after,
                        }));
                    }
                }
            }
            (Some(old), None) => changes.push(old.change(ChangeKind::Removed)),
            (None, Some(new)) => changes.push(new.change(ChangeKind::Added)),
            _ => {}
        }
    }
}

impl Entry for &Category {
    const TABLE: &'static str = "category";

    fn key(&self) -> (&str, &str) {
        (self.code(), "")
    }

    fn fields(&self) -> Fields {
        vec![
            ("name_it", self.name_it().to_owned()),
            ("name_en", self.name_en().to_owned()),
        ]
    }
}

impl Entry for &Portal {
    const TABLE: &'static str = "portal";

    fn key(&self) -> (&str, &str) {
        (self.ente(), self.code())
    }

    fn fields(&self) -> Fields {
        vec![
            ("name", self.name().to_owned()),
            ("source", self.source().to_owned()),
            (
                "kind",
                self.kind()
                    .map_or_else(String::new, |kind| kind.to_string()),
            ),
            ("zone", self.zone().name().to_owned()),
        ]
    }
}

/// Periods in which an ente offers a service, in the order of their days.
struct DeploymentPeriods<'r> {
    ente: &'r str,
    service: &'r str,
    periods: &'r [Offer],
}

/// Returns the deployments of a register by ente and service.
fn offered(register: &Register) -> impl Iterator<Item = DeploymentPeriods<'_>> {
    let is_same = |a: &Offer, b: &Offer| (a.ente, a.service) == (b.ente, b.service);
    register
        .offers
        .chunk_by(is_same)
        .map(|periods| DeploymentPeriods {
            ente: register.enti[periods[0].ente as usize].code(),
            service: register.services[periods[0].service as usize].code(),
            periods,
        })
}

impl Entry for DeploymentPeriods<'_> {
    const TABLE: &'static str = "deployment";

    fn key(&self) -> (&str, &str) {
        (self.ente, self.service)
    }

    fn fields(&self) -> Fields {
        let periods = self.periods.iter();
        let periods: Vec<String> = periods
            .map(|offer| format!("{} {}", offer.nature, days(offer.validity)))
            .collect();
        vec![("periods", periods.join(", "))]
    }

    fn is_same(&self, other: &Self) -> bool {
        let period = |offer: &Offer| (offer.nature, offer.validity);
        self.periods
            .iter()
            .map(period)
            .eq(other.periods.iter().map(period))
    }
}

impl Entry for &Ente {
    const TABLE: &'static str = "ente";

    fn key(&self) -> (&str, &str) {
        (self.code(), "")
    }

    fn fields(&self) -> Fields {
        let population = self.population();
        vec![
            ("name", self.name().to_owned()),
            ("kind", self.kind().to_string()),
            ("istat", text(self.istat())),
            ("belfiore", text(self.belfiore())),
            ("zone", self.zone().name().to_owned()),
            (
                "population",
                population.map_or_else(String::new, |it| match &it.source {
                    Some(source) => format!("{} ({}, {source})", it.inhabitants, it.year),
                    None => format!("{} ({})", it.inhabitants, it.year),
                }),
            ),
            ("members", self.members().join(", ")),
            ("aliases", listed(self.aliases())),
            ("valid", days(self.validity())),
            ("successor", text(self.successor())),
            (
                "patron",
                self.patron()
                    .map_or_else(String::new, |day| day.to_string()),
            ),
            (
                "desk",
                self.desk().map_or_else(String::new, ToString::to_string),
            ),
        ]
    }
}

impl Entry for &Service {
    const TABLE: &'static str = "service";

    fn key(&self) -> (&str, &str) {
        (self.code(), "")
    }

    fn fields(&self) -> Fields {
        let mut categories = String::new();
        for (validity, category) in self.categories() {
            categories.push_str(category.code());
            if let Some(to) = validity.to {
                categories.push_str(&format!(" until {to}, "));
            }
        }
        vec![
            ("name_it", self.name_it().to_owned()),
            ("name_en", text(self.name_en())),
            ("category", categories),
            ("nature", self.nature().to_string()),
            ("subject", text(self.subject())),
            ("life_event", text(self.life_event())),
            ("aliases", listed(self.aliases())),
            ("valid", days(self.validity())),
        ]
    }
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn listed(names: &[String]) -> String {
    let mut names = names.to_vec();
    names.sort();
    names.join(", ")
}

fn days(validity: Validity) -> String {
    let Validity { from, to } = validity;
    if from.is_none() && to.is_none() {
        return "always".into();
    }
    let [from, to] = [from, to].map(|day| day.map_or_else(String::new, |day| day.to_string()));
    format!("{from}..{to}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"
        [[category]]
        code = "casa"
        name_it = "Casa"
        name_en = "Housing"
        [[ente]]
        code = "c_a"
        name = "A"
        kind = "comune"
        [[service]]
        code = "imu"
        name_it = "IMU"
        category = "casa"
        [[portal]]
        code = "www"
        name = "W"
        ente = "c_a"
        source = "https://a.example"
        [deployments.c_a]
        imu = {}
    "#;

    #[test]
    fn each_difference_is_listed_once() {
        let before = Register::parse(BEFORE).unwrap();
        assert_eq!(diff(&before, &before), []);
        let after = BEFORE
            .replace("name = \"A\"", "name = \"A\"\npatron = \"06-24\"")
            .replace("name = \"W\"", "name = \"W\"\nkind = \"civic\"")
            .replace("imu = {}", "imu = { valid_to = 2017-05-01 }")
            .replace(
                "[[ente]]",
                "[[category]]\ncode = \"x\"\nname_it = \"X\"\nname_en = \"X\"\n[[ente]]",
            );
        let after = Register::parse(&after).unwrap();
        let told: Vec<String> = diff(&before, &after)
            .iter()
            .map(Change::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "+ category x",
                "~ deployment c_a/imu: periods \"plain always\" -> \"plain ..2017-05-01\"",
                "~ ente c_a: patron \"\" -> \"06-24\"",
                "~ portal c_a/www: kind \"\" -> \"civic\"",
            ]
        );
        assert_ne!(before.version(), after.version());
        assert_eq!(diff(&after, &before).len(), 4);
    }
}
