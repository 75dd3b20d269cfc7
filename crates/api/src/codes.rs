//! Codes in the filters of a question. Names of the register stand for their codes, and a code that
//! neither the register nor the figures know is refused: an answer of zero would hide the mistake. A
//! portal need not be in the register, so one that has sent nothing yet is refused only if a known
//! code is similar.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use affluenza_event::nearest;
use affluenza_http::Problem;
use affluenza_register::{Category, Ente, Portal, Register, Service};
use affluenza_store::usage::{Dimension, KnownCodes, UNREGISTERED, USED_MAX};
use affluenza_store::{StoreError, Usage};
use tokio::sync::Mutex;

use crate::asked::Asked;
use crate::question::Question;
use crate::source::{FigureSource, NoFigures};

/// Assigned codes of ISO 3166-1 alpha-2.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Replaces the names in the filters by their codes. A code in the scope of the key stays, also if it
/// is an older one of the register.
pub(crate) fn resolve(
    question: &mut Question,
    register: &Register,
    scope: Option<&BTreeSet<String>>,
) {
    for (dimension, values) in &mut question.filters {
        for value in values.iter_mut() {
            let code = match dimension {
                Dimension::Ente if scope.is_some_and(|scope| scope.contains(value)) => None,
                Dimension::Ente => register.ente(value).map(Ente::code),
                Dimension::Service => register.service(value).map(Service::code),
                Dimension::Category => register.category(value).map(Category::code),
                _ => None,
            };
            if let Some(code) = code {
                *value = code.to_owned();
            }
        }
        values.sort();
        values.dedup();
    }
}

/// Pause between two readings of the codes that the register does not know.
const READ_PAUSE: Duration = Duration::from_secs(10);

/// Codes in events that the register does not know. They are read when a client asks for such a code,
/// at most once in a pause for each dimension, however many wrong codes clients send.
#[derive(Default)]
pub(crate) struct UsedCodes(Mutex<BTreeMap<Dimension, ReadCodes>>);

struct ReadCodes {
    at: Instant,
    /// Enti by code; `None` if there are too many codes.
    enti: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl UsedCodes {
    /// Returns those of some codes that events of the enti in scope have.
    pub async fn used(
        &self,
        usage: &Usage,
        known: &KnownCodes,
        filter: CodeFilter<'_>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let CodeFilter {
            dimension,
            codes,
            scope,
        } = filter;
        let mut held = self.0.lock().await;
        let read = held.get(&dimension);
        if read.is_none_or(|read| read.at.elapsed() >= READ_PAUSE) {
            let rows = usage.used_unregistered(dimension, known).await?;
            let enti = (rows.len() <= USED_MAX).then(|| {
                let mut enti: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
                for row in rows {
                    enti.entry(row.code).or_default().insert(row.ente);
                }
                enti
            });
            let at = Instant::now();
            held.insert(dimension, ReadCodes { at, enti });
        }
        let read = held.get(&dimension).and_then(|read| read.enti.as_ref());
        let Some(read) = read else {
            drop(held);
            return usage.used(dimension, codes, scope).await;
        };
        let used = codes.iter().filter(|code| {
            let enti = read.get(**code).into_iter().flatten();
            enti.clone()
                .any(|ente| ente.is_empty() || scope.is_none_or(|scope| scope.contains(ente)))
        });
        Ok(used.map(|code| (*code).clone()).collect())
    }
}

/// Codes of a filter that the register does not know.
pub(crate) struct CodeFilter<'f> {
    pub dimension: Dimension,
    pub codes: &'f [&'f String],
    /// Enti of the client; `None` for all.
    pub scope: Option<&'f [String]>,
}

/// Fails if a filter has a code that neither the register nor the figures of the client know.
pub(crate) async fn check(
    source: FigureSource<'_>,
    asked: &Asked<'_>,
    register: &Register,
) -> Result<(), NoFigures> {
    for (dimension, values) in &asked.question.filters {
        let codes = register_codes(register, *dimension, source.scope());
        let Some(codes) = codes else {
            continue;
        };
        let mut doubtful: Vec<&String> = values.iter().collect();
        doubtful.retain(|value| {
            let in_scope = source
                .scope()
                .is_some_and(|scope| *dimension == Dimension::Ente && scope.contains(value));
            !in_scope
                && !value.is_empty()
                && *value != UNREGISTERED
                && !codes.contains(&value.as_str())
        });
        if doubtful.is_empty() {
            continue;
        }
        let mut used = source.used(asked, *dimension, &doubtful).await?;
        // Codes in events are read without the portals that the register knows at any ente.
        if *dimension == Dimension::Portal && source.scope().is_some() {
            let others = doubtful
                .iter()
                .filter(|value| register.portals().any(|portal| portal.code() == **value));
            used.extend(others.map(|value| (*value).clone()));
        }
        let mut unknown_codes = doubtful.into_iter();
        if let Some(value) = unknown_codes.find(|value| {
            let is_new =
                *dimension == Dimension::Portal && nearest(value, codes.iter().copied()).is_none();
            !used.contains(*value) && !is_new
        }) {
            return Err(unknown(register, *dimension, value, source.scope()).into());
        }
    }
    Ok(())
}

/// Returns the problem of a code that is not known, with the code or name that it may stand for.
/// Portals of enti outside the scope are not suggested.
pub(crate) fn unknown(
    register: &Register,
    dimension: Dimension,
    value: &str,
    scope: Option<&[String]>,
) -> Problem {
    let mut names = register_codes(register, dimension, scope).unwrap_or_default();
    match dimension {
        Dimension::Ente => names.extend(register.enti().map(Ente::name)),
        Dimension::Service => names.extend(register.services().map(Service::name_it)),
        Dimension::Category => names.extend(register.categories().map(Category::name_it)),
        _ => {}
    }
    let name = dimension.name();
    let listed = match dimension {
        Dimension::Ente => "; /v1/register lists codes and names",
        Dimension::Service | Dimension::Category => "; /v1/catalogue lists codes and names",
        Dimension::Country => "; use an ISO 3166-1 code of two letters",
        _ => "",
    };
    let problem = Problem::parameter(name, format!("{value:?} is no known {name}{listed}"), &[]);
    problem.with("value", value).suggest(nearest(value, names))
}

/// Returns the codes of a dimension, for portals those of the enti in scope; `None` for dimensions
/// without such codes.
fn register_codes<'r>(
    register: &'r Register,
    dimension: Dimension,
    scope: Option<&[String]>,
) -> Option<Vec<&'r str>> {
    Some(match dimension {
        Dimension::Ente => register.enti().map(Ente::code).collect(),
        Dimension::Service => register.services().map(Service::code).collect(),
        Dimension::Category => register.categories().map(Category::code).collect(),
        Dimension::Portal => {
            let portals = register.portals();
            let own = portals.filter(|portal| {
                scope.is_none_or(|scope| scope.iter().any(|ente| ente == portal.ente()))
            });
            own.map(Portal::code).collect()
        }
        Dimension::Country => COUNTRIES.split(' ').collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Resource;

    const REGISTER: &str = include_str!("../../../deploy/register.toml");

    fn filtered(dimension: Dimension, values: &[&str]) -> Question {
        let mut question = Question::new(Resource::Usage);
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        question.filters.insert(dimension, values);
        question
    }

    #[test]
    fn names_become_codes() {
        let register = Register::parse(REGISTER).unwrap();
        let mut question = filtered(Dimension::Ente, &["firenze", "FIRENZE", "c_zzz"]);
        resolve(&mut question, &register, None);
        assert_eq!(question.filters[&Dimension::Ente], ["c_d612", "c_zzz"]);
        let scope = BTreeSet::from(["firenze".to_owned()]);
        let mut question = filtered(Dimension::Ente, &["firenze", "Firenze"]);
        resolve(&mut question, &register, Some(&scope));
        assert_eq!(question.filters[&Dimension::Ente], ["c_d612", "firenze"]);
        let mut question = filtered(Dimension::Country, &["IT"]);
        resolve(&mut question, &register, None);
        assert_eq!(question.filters[&Dimension::Country], ["IT"]);
    }

    #[test]
    fn an_unknown_code_gets_a_suggestion() {
        let register = Register::parse(REGISTER).unwrap();
        for (dimension, value, expected) in [
            (Dimension::Ente, "c_d621", Some("c_d612")),
            (Dimension::Category, "tribut", Some("tributi")),
            (Dimension::Service, "xyzzy", None),
        ] {
            let problem = unknown(&register, dimension, value, None).to_json();
            assert_eq!(problem["parameter"], dimension.name());
            assert_eq!(problem["suggestion"].as_str(), expected, "{value}");
        }
        assert_eq!(COUNTRIES.split(' ').count(), 249);
    }
}
