//! An ente among bodies of like size: its uses for each resident, and what they offer besides.

use std::collections::{BTreeMap, BTreeSet};

use affluenza_disclosure::Public;
use affluenza_register::{Ente, EnteKind, Register};
use affluenza_store::figures::YearFigures;
use jiff::civil::Date;
use serde::Serialize;

use crate::count::Count;
use crate::names::{self, CategoryName, ServiceName};

/// Least number of bodies in a comparison, the ente included.
pub(crate) const PEERS_MIN: usize = 5;
/// Least number of other bodies whose services are compared.
const OTHERS_MIN: usize = 3;

/// Completed service uses of every registered ente, as an edition shows them.
#[derive(Debug, Clone, Default)]
pub struct EnteUses(BTreeMap<String, Count>);

/// An ente among others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Peers {
    /// Inhabitants, by the register; `None` if not registered.
    pub residents: Option<u32>,
    /// Service uses for 1,000 inhabitants; `None` if their number is unknown.
    pub uses_per_1000_residents: Option<f64>,
    /// Bodies of like size; `None` with too few of them.
    pub like_size: Option<PeerGroup>,
    /// Union whose other members are the neighbours; `None` if those of like size are compared.
    pub union: Option<String>,
    /// Number of other bodies whose services are compared; 0 with too few of them.
    pub others: usize,
    /// Services that at least half of the others offer and this ente does not, the most offered
    /// first.
    pub missing: Vec<MissingService>,
}

/// Bodies of the same kind with half to twice as many residents, the ente included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeerGroup {
    /// Number of bodies.
    pub enti: usize,
    /// Least number of residents.
    pub residents_from: u32,
    /// Greatest number of residents.
    pub residents_to: u32,
    /// Median of the uses for 1,000 residents.
    pub median_uses_per_1000_residents: f64,
    /// Place of the ente, 1 for the most uses for each resident. Equal bodies have the same place.
    pub rank: usize,
}

/// A service that others offer and the ente does not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MissingService {
    /// Code and names of the service.
    #[serde(flatten)]
    pub name: ServiceName,
    /// Category on the last day.
    #[serde(flatten)]
    pub category: CategoryName,
    /// Number of the others that offer it.
    pub enti: usize,
}

impl EnteUses {
    /// Sums the uses of all enti.
    pub fn of(figures: &YearFigures, register: &Register) -> Self {
        let mut uses = BTreeMap::new();
        for cell in &figures.usage {
            let code = names::ente_code(register, &cell.ente).to_owned();
            *uses.entry(code).or_default() += Count::Shown(cell.service_uses);
        }
        Self(uses)
    }

    /// Returns the published uses of all enti.
    pub fn published(uses: &Public<6>, register: &Register) -> Self {
        let enti = register.enti().map(|ente| {
            let labels = [Some(ente.code()), None, None, None, None, None];
            (ente.code().to_owned(), uses.cell(labels))
        });
        Self(enti.collect())
    }

    /// Returns the uses for 1,000 residents; `None` without their number, and if it is hidden.
    fn per_1000(&self, ente: &Ente) -> Option<f64> {
        let residents = ente.population()?.inhabitants;
        let uses = self.0.get(ente.code()).copied().unwrap_or_default();
        let uses = uses.shown()?;
        (residents > 0).then(|| uses as f64 * 1000.0 / f64::from(residents))
    }
}

impl Peers {
    /// Compares an ente with the others of the register on `day`.
    pub(crate) fn build(register: &Register, ente: &Ente, day: Date, uses: &EnteUses) -> Self {
        let alike = like_size(register, ente, day);
        let members = neighbours(register, ente, day);
        let (union, others) = match members {
            Some((union, others)) => (Some(union.name().to_owned()), others),
            None => (None, without(&alike, ente)),
        };
        let others = match others.len() {
            OTHERS_MIN.. => others,
            _ => Vec::new(),
        };
        Self {
            residents: ente.population().map(|population| population.inhabitants),
            uses_per_1000_residents: uses.per_1000(ente),
            like_size: PeerGroup::build(&alike, ente, uses),
            union,
            missing: missing(register, ente, &others, day),
            others: others.len(),
        }
    }
}

impl PeerGroup {
    fn build(alike: &[&Ente], ente: &Ente, uses: &EnteUses) -> Option<Self> {
        let own = uses.per_1000(ente)?;
        let mut rates: Vec<f64> = alike.iter().filter_map(|one| uses.per_1000(one)).collect();
        // A median of the shown rates alone is not that of all.
        if rates.len() < alike.len() {
            return None;
        }
        let residents = alike.iter().filter_map(|one| one.population());
        let residents: Vec<u32> = residents.map(|of| of.inhabitants).collect();
        rates.sort_by(f64::total_cmp);
        if rates.len() < PEERS_MIN {
            return None;
        }
        let half = rates.len() / 2;
        let median = match rates.len() % 2 {
            0 => f64::midpoint(rates[half - 1], rates[half]),
            _ => rates[half],
        };
        Some(Self {
            enti: rates.len(),
            residents_from: residents.iter().copied().min()?,
            residents_to: residents.iter().copied().max()?,
            median_uses_per_1000_residents: median,
            rank: 1 + rates.iter().filter(|rate| **rate > own).count(),
        })
    }
}

/// Returns the bodies of the same kind with half to twice as many residents, the ente included;
/// none if its residents are unknown.
fn like_size<'r>(register: &'r Register, ente: &Ente, day: Date) -> Vec<&'r Ente> {
    let Some(own) = ente.population() else {
        return Vec::new();
    };
    let own = u64::from(own.inhabitants);
    let alike = register.enti().filter(|one| {
        let residents = one.population().map(|it| u64::from(it.inhabitants));
        one.kind() == ente.kind()
            && (one.code() == ente.code() || one.validity().contains(day))
            && residents.is_some_and(|residents| residents * 2 >= own && residents <= own * 2)
    });
    alike.collect()
}

/// Returns the union with the most members besides the ente, and these; `None` if every union has
/// too few.
fn neighbours<'r>(
    register: &'r Register,
    ente: &'r Ente,
    day: Date,
) -> Option<(&'r Ente, Vec<&'r Ente>)> {
    let unions = register
        .unions_of(ente)
        .filter(|union| union.kind() == EnteKind::Unione && union.validity().contains(day));
    let unions = unions.map(|union| {
        let members = union.members().iter();
        let members = members.filter_map(|code| register.ente(code));
        let members: Vec<&Ente> = members.filter(|one| one.validity().contains(day)).collect();
        (union, without(&members, ente))
    });
    let largest = unions.max_by_key(|(_, members)| members.len());
    largest.filter(|(_, members)| members.len() >= OTHERS_MIN)
}

fn without<'r>(enti: &[&'r Ente], ente: &Ente) -> Vec<&'r Ente> {
    let others = enti.iter().filter(|one| one.code() != ente.code());
    others.copied().collect()
}

/// Returns the services that at least half of `others` offer on `day`. What a union of the ente
/// offers, it offers for its members.
fn missing(register: &Register, ente: &Ente, others: &[&Ente], day: Date) -> Vec<MissingService> {
    let own: BTreeSet<&str> = std::iter::once(ente)
        .chain(register.unions_of(ente))
        .flat_map(|one| offers(register, one, day))
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for other in others {
        for code in offers(register, other, day) {
            *counts.entry(code).or_default() += 1;
        }
    }
    let common = counts
        .into_iter()
        .filter(|(code, enti)| !own.contains(code) && enti * 2 >= others.len());
    let mut missing: Vec<MissingService> = common
        .filter_map(|(code, enti)| {
            let service = register.service(code)?;
            Some(MissingService {
                name: ServiceName::of(register, code),
                category: CategoryName::of(register, service.category_on(day).code()),
                enti,
            })
        })
        .collect();
    missing
        .sort_by(|a, b| (b.enti, &a.name.service_name_it).cmp(&(a.enti, &b.name.service_name_it)));
    missing
}

/// Returns the codes of the services that an ente offers on `day`.
fn offers<'r>(register: &'r Register, ente: &'r Ente, day: Date) -> BTreeSet<&'r str> {
    let offers = register.deployments_of(ente);
    let offers = offers.filter(|offer| offer.validity.contains(day));
    offers.map(|offer| offer.service.code()).collect()
}

#[cfg(test)]
mod tests {
    use affluenza_store::figures::UsageCell;
    use jiff::civil::date;

    use super::*;

    /// Returns a register of comuni with these residents, whose offers are `services`.
    fn register(enti: &[(&str, u32, &[&str])], union: &str) -> Register {
        let mut text = r#"
            [[category]]
            code = "tributi"
            name_it = "Tributi"
            name_en = "Local taxes"
        "#
        .to_owned();
        for service in ["imu", "tari", "ape"] {
            text.push_str(&format!(
                "[[service]]\ncode = \"{service}\"\nname_it = \"{service}\"\ncategory = \"tributi\"\n"
            ));
        }
        for (code, residents, services) in enti {
            text.push_str(&format!(
                "[[ente]]\ncode = \"{code}\"\nname = \"{code}\"\nkind = \"comune\"\npopulation = {{ inhabitants = {residents}, year = 2011 }}\n"
            ));
            for service in *services {
                text.push_str(&format!("[deployments.{code}.{service}]\n"));
            }
        }
        text.push_str(union);
        Register::parse(&text).unwrap()
    }

    fn peers(register: &Register, code: &str, uses: &[(&str, u64)]) -> Peers {
        let usage = uses.iter().map(|(ente, service_uses)| UsageCell {
            ente: (*ente).to_owned(),
            category: "tributi".to_owned(),
            kind: "plain".to_owned(),
            service_uses: *service_uses,
        });
        let figures = YearFigures {
            usage: usage.collect(),
            ..YearFigures::default()
        };
        let uses = EnteUses::of(&figures, register);
        let ente = register.ente(code).unwrap();
        Peers::build(register, ente, date(2017, 12, 31), &uses)
    }

    const ENTI: [(&str, u32, &[&str]); 7] = [
        ("a", 1000, &["imu"]),
        ("b", 2000, &["imu", "tari"]),
        ("c", 500, &["tari"]),
        ("d", 1000, &["tari", "ape"]),
        ("e", 1600, &[]),
        ("f", 499, &["ape"]),
        ("g", 2001, &["ape"]),
    ];

    #[test]
    fn rank_and_median_are_of_half_to_twice_the_residents() {
        let register = register(&ENTI, "");
        let uses = [("a", 30), ("b", 20), ("c", 20), ("d", 30), ("g", 90_000)];
        let peers = peers(&register, "a", &uses);
        assert_eq!(peers.uses_per_1000_residents, Some(30.0));
        let group = peers.like_size.unwrap();
        assert_eq!((group.enti, group.rank), (5, 2));
        assert_eq!([group.residents_from, group.residents_to], [500, 2000]);
        assert_eq!(group.median_uses_per_1000_residents, 30.0);
        // Three of the four others offer TARI, one A.P.E.
        let missing: Vec<_> = peers.missing.iter().collect();
        assert_eq!((peers.others, missing.len()), (4, 1));
        assert_eq!((&*missing[0].name.service, missing[0].enti), ("tari", 3));
    }

    #[test]
    fn few_bodies_are_no_comparison() {
        let register = register(&ENTI[..4], "");
        let peers = peers(&register, "a", &[("a", 30)]);
        assert_eq!(peers.like_size, None);
        assert_eq!(peers.others, 3, "offers can still be compared");
    }

    #[test]
    fn neighbours_are_the_members_of_the_union_and_its_offers_are_theirs() {
        let members = |union: &str| {
            format!(
                "[[ente]]\ncode = \"u\"\nname = \"Unione\"\nkind = \"unione\"\nmembers = [\"a\", \"d\", \"f\", \"g\"]\n{union}"
            )
        };
        let own = register(&ENTI, &members(""));
        let of_union = peers(&own, "a", &[]);
        assert_eq!(of_union.union.as_deref(), Some("Unione"));
        let missing: Vec<_> = of_union.missing.iter().map(|row| row.enti).collect();
        assert_eq!((of_union.others, missing), (3, vec![3]));
        let offered = register(&ENTI, &members("[deployments.u.ape]\n"));
        assert_eq!(peers(&offered, "a", &[]).missing, []);
    }
}
