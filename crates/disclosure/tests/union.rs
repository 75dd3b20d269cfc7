//! An attacker who knows all public figures of a year, from every place where they are shown.

#[path = "attack/mod.rs"]
mod attack;

use std::collections::BTreeMap;

use affluenza_disclosure::edition::{OpenYear, Outcome, PublicYear, band_of, hour_label};
use affluenza_disclosure::{Count, Public, Secret, Threshold, Unprotected};
use affluenza_store::figures::{BandUse, HourUse, MonthUse, WeekHourUse};
use affluenza_store::open::{OpenFigures, UseRow};
use proptest::prelude::*;

use crate::attack::{Attacker, Labels, Parent};

const ENTI: [&str; 3] = ["c_a", "c_b", "c_c"];
const CATEGORIES: [&str; 2] = ["lavoro", "tributi"];
const KINDS: [&str; 3] = ["plain", "payment", "booking"];
const SERVICES: [&str; 4] = ["imu", "suap", "tari", "visure"];
const DEVICES: [&str; 2] = ["desktop", "smartphone"];
const PORTAL_KINDS: [&str; 3] = ["services", "civic", "app"];
const HOURS: [(&str, u8); 4] = [("night", 3), ("office", 9), ("office", 10), ("evening", 20)];

fn flat(_: &str) -> Option<String> {
    None
}

/// One use: indices into the lists above, and a month and weekday.
type Use = [usize; 7];
/// One access: indices of kind of portal, device, month, weekday and hour.
type Access = [usize; 5];

fn figures(uses: &[(Use, u64)], accesses: &[(Access, u64)]) -> OpenFigures {
    let mut figures = OpenFigures::default();
    for (at, count) in uses {
        let [ente, category, kind, service, month, weekday, hour] = *at;
        figures.uses.push(UseRow {
            ente: ENTI[ente].into(),
            category: CATEGORIES[category].into(),
            kind: KINDS[kind].into(),
            service: SERVICES[service].into(),
            service_uses: *count,
        });
        figures.months.push(month_of(
            ENTI[ente],
            ["services", "desktop"],
            month,
            [0, *count],
        ));
        figures.week.push(week_of(weekday, hour, [0, *count]));
    }
    for ([kind, device, month, weekday, hour], count) in accesses {
        let of = [PORTAL_KINDS[*kind], DEVICES[*device]];
        figures
            .months
            .push(month_of(ENTI[0], of, *month, [*count, 0]));
        figures.week.push(week_of(*weekday, *hour, [*count, 0]));
        let (band, local_hour) = HOURS[*hour];
        figures.hours.push(HourUse {
            local_hour,
            users_hours: *count,
            accesses: *count,
        });
        figures.bands.push(BandUse {
            band: band.into(),
            users_hours: *count,
            accesses: *count,
        });
    }
    figures
}

fn month_of(
    ente: &str,
    [portal_kind, device]: [&str; 2],
    month: usize,
    [accesses, service_uses]: [u64; 2],
) -> MonthUse {
    MonthUse {
        ente: ente.into(),
        month: u8::try_from(month + 1).expect("a month"),
        device: device.into(),
        portal_kind: portal_kind.into(),
        accesses,
        service_uses,
    }
}

fn week_of(weekday: usize, hour: usize, [accesses, service_uses]: [u64; 2]) -> WeekHourUse {
    let (band, local_hour) = HOURS[hour];
    WeekHourUse {
        weekday: u8::try_from(weekday + 1).expect("a weekday"),
        band: band.into(),
        local_hour,
        accesses,
        service_uses,
    }
}

/// True count of each published cell, recounted from single uses.
fn truth<const N: usize>(
    public: &Public<N>,
    rows: &[([String; N], u64)],
    parents: [Parent; N],
) -> BTreeMap<Labels<N>, u64> {
    let is_of = |row: &[String; N], labels: &[Option<&str>; N]| {
        (0..N).all(|at| {
            labels[at].is_none_or(|label| {
                row[at] == label || parents[at](&row[at]).as_deref() == Some(label)
            })
        })
    };
    public
        .cells()
        .map(|(labels, _)| {
            let of_cell = rows.iter().filter(|(row, _)| is_of(row, &labels));
            let count = of_cell.map(|(_, count)| count).sum();
            (labels.map(|label| label.map(str::to_owned)), count)
        })
        .collect()
}

fn attack<const N: usize>(
    public: &Public<N>,
    rows: &[([String; N], u64)],
    parents: [Parent; N],
    k: u64,
) {
    let truth = truth(public, rows, parents);
    let cells: BTreeMap<Labels<N>, Option<u64>> = public
        .cells()
        .map(|(labels, cell)| (labels.map(|label| label.map(str::to_owned)), cell.shown()))
        .collect();
    for (labels, shown) in &cells {
        assert!(
            shown.is_none_or(|shown| shown == truth[labels]),
            "{labels:?}"
        );
        assert!(truth[labels] >= k || shown.is_none(), "{labels:?}");
    }
    // Everybody may know who offers which service of which kind. Here it is offered where it was
    // used.
    let details: Vec<[String; N]> = match N {
        6 => rows.iter().map(|(row, _)| detail(row)).collect(),
        _ => Vec::new(),
    };
    let attacker = Attacker {
        cells: &cells,
        parents,
        details: &details,
        tables: &[&[0, 1, 2], &[1, 3]],
    };
    let unknowns = attacker.unknowns().expect("it adds up");
    let recovered = unknowns.recovered(k).expect("it adds up");
    assert!(recovered.is_empty(), "{recovered:?} of {cells:?}");
}

/// Returns ente, category, kind and service; other labels are empty.
fn detail<const N: usize>(row: &[String; N]) -> [String; N] {
    std::array::from_fn(|at| {
        if at < 4 {
            row[at].clone()
        } else {
            String::new()
        }
    })
}

fn published(figures: &OpenFigures, k: u64) -> Result<PublicYear, Unprotected> {
    let year = OpenYear {
        year: 2017,
        figures,
        offered: &[],
        months: &[],
    };
    match Outcome::decide(year, Threshold { k }, &Secret([5; 32]), &[])? {
        Outcome::Edition(decided) => PublicYear::of(2017, figures, &decided),
        Outcome::Unchanged => panic!("there is no earlier edition"),
    }
}

fn attack_all(uses: &[(Use, u64)], accesses: &[(Access, u64)], k: u64) {
    let public = published(&figures(uses, accesses), k).expect("they agree");
    let month = |at: usize| format!("2017-{:02}", at + 1);
    let hour = |at: usize| hour_label(HOURS[at].0, HOURS[at].1);
    let rows: Vec<_> = uses
        .iter()
        .map(|([ente, category, kind, service, at, _, of_day], count)| {
            let labels = [
                ENTI[*ente].to_owned(),
                CATEGORIES[*category].to_owned(),
                KINDS[*kind].to_owned(),
                SERVICES[*service].to_owned(),
                month(*at),
                hour(*of_day),
            ];
            (labels, *count)
        })
        .collect();
    attack(
        public.uses(),
        &rows,
        [flat, flat, flat, flat, flat, band_of],
        k,
    );
    let rows: Vec<_> = accesses
        .iter()
        .map(|([kind, device, at, weekday, of_day], count)| {
            let labels = [
                PORTAL_KINDS[*kind].to_owned(),
                DEVICES[*device].to_owned(),
                month(*at),
                (weekday + 1).to_string(),
                hour(*of_day),
            ];
            (labels, *count)
        })
        .collect();
    attack(
        public.accesses(),
        &rows,
        [flat, flat, flat, flat, band_of],
        k,
    );
    // Users are at most as many as accesses and uses, so shown users would bound a hidden hour.
    if let Some(users) = public.users() {
        assert!(
            users
                .by_hour
                .values()
                .all(|count| *count == 0 || *count >= k)
        );
        let hours = public.accesses().cells();
        let mut of_hours = hours.filter(|(labels, _)| labels[..4] == [None; 4]);
        assert!(of_hours.all(|(_, cell)| cell != Count::Hidden));
        let hours = public.uses().cells();
        let mut of_hours = hours.filter(|(labels, _)| labels[..5] == [None; 5]);
        assert!(of_hours.all(|(_, cell)| cell != Count::Hidden));
    }
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![2 => 1_u64..4, 1 => 4_u64..12, 1 => 12_u64..2_000]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nobody_is_found_in_everything_that_is_published(
        uses in prop::collection::vec(
            ((0..3_usize, 0..2_usize, 0..3_usize, 0..4_usize, 0..4_usize, 0..7_usize, 0..4_usize), count()),
            0..30,
        ),
        accesses in prop::collection::vec(((0..3_usize, 0..2_usize, 0..4_usize, 0..7_usize, 0..4_usize), count()), 0..30),
        k in 2_u64..6,
    ) {
        let uses: Vec<(Use, u64)> = uses
            .into_iter()
            .map(|((a, b, c, d, e, f, g), count)| ([a, b, c, d, e, f, g], count))
            .collect();
        let accesses: Vec<(Access, u64)> = accesses
            .into_iter()
            .map(|((a, b, c, d, e), count)| ([a, b, c, d, e], count))
            .collect();
        attack_all(&uses, &accesses, k);
    }
}

#[test]
fn figures_that_contradict_each_other_are_not_published() {
    let mut figures = figures(&[([0; 7], 10)], &[]);
    figures.months[0].service_uses += 1;
    let public = published(&figures, 3);
    assert_eq!(public.err(), Some(Unprotected::Contradiction));
}
