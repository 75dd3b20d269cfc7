//! Compares national holidays with an independent table, for every year that a stored date can
//! have.

use std::collections::BTreeSet;

use affluenza_classify::hours::{Holiday, date_since_1970, days_since_1970};
use jiff::civil::date;

const TABLE: &str = include_str!("../fixtures/holidays.tsv");

#[test]
fn holidays_of_130_years_are_those_of_another_table() {
    let mut years = 0;
    for line in TABLE.lines() {
        let (year, days) = line.split_once('\t').unwrap();
        let expected: BTreeSet<String> = days.split(' ').map(str::to_owned).collect();
        let year: i16 = year.parse().unwrap();
        let first = days_since_1970(date(year, 1, 1));
        let end = days_since_1970(date(year + 1, 1, 1));
        let found: BTreeSet<String> = (first..end)
            .map(date_since_1970)
            .filter(|day| Holiday::national(*day).is_some())
            .map(|day| day.to_string()[5..].to_owned())
            .collect();
        assert_eq!(found, expected, "{year}");
        years += 1;
    }
    assert_eq!(years, 130);
}
