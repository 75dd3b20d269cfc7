//! Differences between two registers.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::Validity;
use crate::register::Register;

/// Table and code of an entry. A deployment has the codes of ente and service.
type Key = (&'static str, String);
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

impl Change {
    fn new(key: &Key, what: ChangeKind) -> Self {
        let (table, code) = (key.0, key.1.clone());
        Self { table, code, what }
    }
}

/// Returns the changes from `before` to `after`, ordered by table and code.
pub fn diff(before: &Register, after: &Register) -> Vec<Change> {
    let (before, after) = (entries(before), entries(after));
    let mut changes = Vec::new();
    for (key, fields) in &before {
        let Some(now) = after.get(key) else {
            changes.push(Change::new(key, ChangeKind::Removed));
            continue;
        };
        for ((field, before), (_, after)) in fields.iter().zip(now) {
            if before != after {
                let what = ChangeKind::Changed {
                    field,
                    before: before.clone(),
                    after: after.clone(),
                };
                changes.push(Change::new(key, what));
            }
        }
    }
    let added = after.keys().filter(|key| !before.contains_key(key));
    changes.extend(added.map(|key| Change::new(key, ChangeKind::Added)));
    changes.sort_by(|a, b| (a.table, &a.code).cmp(&(b.table, &b.code)));
    changes
}

fn entries(register: &Register) -> BTreeMap<Key, Fields> {
    let mut entries = BTreeMap::new();
    enti(register, &mut entries);
    services(register, &mut entries);
    for category in register.categories() {
        let fields = vec![
            ("name_it", category.name_it().to_owned()),
            ("name_en", category.name_en().to_owned()),
        ];
        entries.insert(("category", category.code().to_owned()), fields);
    }
    for portal in register.portals() {
        let fields = vec![
            ("name", portal.name().to_owned()),
            ("source", portal.source().to_owned()),
            ("zone", portal.zone().name().to_owned()),
        ];
        let code = format!("{}/{}", portal.ente(), portal.code());
        entries.insert(("portal", code), fields);
    }
    for offer in register.deployments() {
        let code = format!("{}/{}", offer.ente.code(), offer.service.code());
        let said = format!("{} {}", offer.nature, days(offer.validity));
        // A service may be offered in several periods.
        let fields: &mut Fields = entries
            .entry(("deployment", code))
            .or_insert_with(|| vec![("periods", String::new())]);
        let periods = &mut fields[0].1;
        if !periods.is_empty() {
            periods.push_str(", ");
        }
        periods.push_str(&said);
    }
    entries
}

fn enti(register: &Register, entries: &mut BTreeMap<Key, Fields>) {
    for ente in register.enti() {
        let population = ente.population();
        let fields = vec![
            ("name", ente.name().to_owned()),
            ("kind", ente.kind().to_string()),
            ("istat", text(ente.istat())),
            ("belfiore", text(ente.belfiore())),
            ("zone", ente.zone().name().to_owned()),
            (
                "population",
                population.map_or_else(String::new, |it| {
                    format!("{} ({})", it.inhabitants, it.year)
                }),
            ),
            ("aliases", listed(ente.aliases())),
            ("valid", days(ente.validity())),
            ("successor", text(ente.successor())),
            (
                "patron",
                ente.patron()
                    .map_or_else(String::new, |day| day.to_string()),
            ),
            (
                "desk",
                ente.desk().map_or_else(String::new, ToString::to_string),
            ),
        ];
        entries.insert(("ente", ente.code().to_owned()), fields);
    }
}

fn services(register: &Register, entries: &mut BTreeMap<Key, Fields>) {
    for service in register.services() {
        let mut categories = String::new();
        for (validity, category) in service.categories() {
            categories.push_str(category.code());
            if let Some(to) = validity.to {
                categories.push_str(&format!(" until {to}, "));
            }
        }
        let fields = vec![
            ("name_it", service.name_it().to_owned()),
            ("name_en", text(service.name_en())),
            ("category", categories),
            ("nature", service.nature().to_string()),
            ("subject", text(service.subject())),
            ("life_event", text(service.life_event())),
            ("aliases", listed(service.aliases())),
            ("valid", days(service.validity())),
        ];
        entries.insert(("service", service.code().to_owned()), fields);
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
        [deployments.c_a]
        imu = {}
    "#;

    #[test]
    fn each_difference_is_listed_once() {
        let before = Register::parse(BEFORE).unwrap();
        assert_eq!(diff(&before, &before), []);
        let after = BEFORE
            .replace("name = \"A\"", "name = \"A\"\npatron = \"06-24\"")
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
            ]
        );
        assert_ne!(before.version(), after.version());
        assert_eq!(diff(&after, &before).len(), 3);
    }
}
