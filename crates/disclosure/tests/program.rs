//! An attacker who has the program, runs it on every possible table with every secret, and drops
//! the tables that do not lead to the published cells.

use std::collections::{BTreeMap, BTreeSet};

use affluenza_disclosure::{CountTable, Draws, Secret, TableDimension, Threshold};

const K: u64 = 3;
const SECRET: Secret = Secret([11; 32]);

/// A secret that draws a decoy for one cell at most: the program with the least randomness. A doubt
/// that remains with it remains with the full randomness.
struct Drawn {
    secret: Secret,
    /// The cell, and the count that replaces it.
    decoy: Option<(String, u64)>,
    /// Cells that the decoy leans towards. Every direction can be drawn.
    towards: BTreeSet<String>,
}

impl Draws for Drawn {
    fn draw(&self, purpose: &str, cell: &str) -> u64 {
        match (purpose, &self.decoy) {
            // One number in eight draws a decoy; the rest of the number gives its count.
            ("decoy", Some((of, count))) if of == cell => 8 * (count - 1),
            ("decoy", _) => 1,
            ("lean", _) if self.towards.is_empty() => 3,
            ("lean", Some((of, _))) => {
                (1 << 40) | u64::from(self.towards.contains(&cell[of.len() + 1..]))
            }
            _ => self.secret.draw(purpose, cell),
        }
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Published cells of a table; `None` for a hidden cell.
type Seen = Vec<Option<u64>>;

fn cells(rows: usize, columns: usize) -> impl Iterator<Item = (Option<usize>, Option<usize>)> {
    let all = |most: usize| (0..most).map(Some).chain([None]);
    all(rows).flat_map(move |row| all(columns).map(move |column| (row, column)))
}

fn seen(counts: &[u64], columns: usize, draws: &Drawn) -> Seen {
    let mut table = CountTable::new(["row", "column"].map(TableDimension::flat));
    for (at, count) in counts.iter().enumerate() {
        table.add([NAMES[at / columns], NAMES[at % columns]], *count);
    }
    let public = table.suppress(Threshold { k: K }, draws, &[]);
    let public = public.expect("it can be protected");
    cells(counts.len() / columns, columns)
        .map(|(row, column)| {
            public
                .cell([row, column].map(|at| at.map(|at| NAMES[at])))
                .shown()
        })
        .collect()
}

fn truth(counts: &[u64], columns: usize) -> Vec<u64> {
    let rows = counts.len() / columns;
    let of = |(row, column): (Option<usize>, Option<usize>)| {
        let is_of = |at: usize| {
            row.is_none_or(|row| at / columns == row)
                && column.is_none_or(|column| at % columns == column)
        };
        (0..counts.len())
            .filter(|at| is_of(*at))
            .map(|at| counts[at])
            .sum()
    };
    cells(rows, columns).map(of).collect()
}

/// Returns every table of this many cells with counts up to `most` and a sum up to `total`.
fn tables(cells: usize, most: u64, total: u64) -> Vec<Vec<u64>> {
    let mut tables = vec![Vec::new()];
    for _ in 0..cells {
        let longer = |table: &Vec<u64>| -> Vec<Vec<u64>> {
            let left = total - table.iter().sum::<u64>();
            let next = (0..=most.min(left)).map(|count| [&table[..], &[count]].concat());
            next.collect()
        };
        tables = tables.iter().flat_map(longer).collect();
    }
    tables
}

/// Names of the cells that are not zero, with their counts.
fn named(counts: &[u64], columns: usize) -> BTreeMap<String, u64> {
    let name = |(row, column): (Option<usize>, Option<usize>)| {
        [row, column]
            .map(|at| at.map_or("*", |at| NAMES[at]))
            .join("|")
    };
    let names = cells(counts.len() / columns, columns).map(name);
    names
        .zip(truth(counts, columns))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Returns every possible publication of a table: without a decoy, and with each decoy that can be
/// drawn.
fn all_seen(counts: &[u64], columns: usize) -> BTreeSet<Seen> {
    let mut drawn = vec![None];
    for (name, count) in named(counts, columns) {
        if count <= 2 * K - 2 {
            drawn.extend(
                (1..K)
                    .filter(|of| *of != count)
                    .map(|of| Some((name.clone(), of))),
            );
        }
    }
    let draws = drawn.into_iter().map(|decoy| Drawn {
        secret: SECRET,
        decoy,
        towards: BTreeSet::new(),
    });
    draws.map(|draws| seen(counts, columns, &draws)).collect()
}

/// True if a table may be published like another table that it can be confused with.
fn may_be_seen(seen_of: &Seen, counts: &[u64], other: &[u64], columns: usize) -> bool {
    let (here, there) = (named(counts, columns), named(other, columns));
    let moved = here
        .iter()
        .filter(|(name, count)| there.get(*name) != Some(count));
    let towards: BTreeSet<String> = moved.map(|(name, _)| name.clone()).collect();
    let mut decoys = towards.iter().filter_map(|name| {
        let of = *there.get(name)?;
        (here[name] <= 2 * K - 2 && of < K).then(|| (name.clone(), of))
    });
    decoys.any(|decoy| {
        let draws = Drawn {
            secret: SECRET,
            decoy: Some(decoy),
            towards: towards.clone(),
        };
        seen(counts, columns, &draws) == *seen_of
    })
}

/// Result of the search through all tables.
#[derive(Default)]
struct Found {
    /// Hidden cells of all publications.
    hidden: u64,
    /// Hidden cells whose other values may lie beyond the searched tables.
    beyond: u64,
    recovered: Vec<String>,
}

/// Tables that lead to the same publication.
#[derive(Default)]
struct Led {
    tables: BTreeSet<Vec<u64>>,
    /// Values of these tables, by cell.
    values: Vec<BTreeSet<u64>>,
}

impl Led {
    fn add(&mut self, counts: &[u64], columns: usize) {
        let truth = truth(counts, columns);
        self.values.resize(truth.len(), BTreeSet::new());
        for (values, count) in self.values.iter_mut().zip(truth) {
            values.insert(count);
        }
        self.tables.insert(counts.to_vec());
    }
}

fn is_enough(values: &BTreeSet<u64>) -> bool {
    values.len() as u64 >= K && values.last().is_some_and(|most| *most >= K)
}

/// True if every hidden cell has enough possible values.
fn is_left(seen: &Seen, values: &[BTreeSet<u64>]) -> bool {
    let mut cells = seen.iter().zip(values);
    cells.all(|(seen, values)| seen.is_some() || is_enough(values))
}

/// Searches for hidden cells with too few values that lead to the same publication. Counts are at
/// most `most`, and add up to at most `total`.
fn recovered(size: usize, columns: usize, most: u64, total: u64) -> Found {
    let mut led: BTreeMap<Seen, Led> = BTreeMap::new();
    let tables = tables(size, most, total);
    for counts in &tables {
        for seen in all_seen(counts, columns) {
            led.entry(seen).or_default().add(counts, columns);
        }
    }
    let inner: Vec<bool> = cells(size / columns, columns)
        .map(|(row, column)| row.is_some() && column.is_some())
        .collect();
    // At the edge of the searched range, other tables that lead to the same publication are
    // missing.
    let is_beyond = |seen: &Seen, values: &[BTreeSet<u64>]| {
        let may_exceed = |at: usize| {
            let limit = if inner[at] { most } else { total };
            let is_limited = seen[at].is_none() && (inner[at] || at + 1 == inner.len());
            is_limited && values[at].iter().any(|count| count + K > limit)
        };
        (0..values.len()).any(may_exceed)
    };
    for (seen, led) in &mut led {
        if is_beyond(seen, &led.values) {
            continue;
        }
        for counts in &tables {
            let truth = truth(counts, columns);
            let fits = |(seen, count): (&Option<u64>, &u64)| match seen {
                Some(seen) => seen == count,
                None => *count > 0,
            };
            let is_new = !led.tables.contains(counts) && seen.iter().zip(&truth).all(fits);
            let of = |other: &Vec<u64>| may_be_seen(seen, counts, other, columns);
            if is_new && !is_left(seen, &led.values) && led.tables.iter().any(of) {
                led.add(counts, columns);
            }
        }
    }
    let mut found = Found::default();
    for (seen, Led { values, .. }) in &led {
        let is_beyond = is_beyond(seen, values);
        for (at, values) in values.iter().enumerate() {
            if seen[at].is_some() {
                continue;
            }
            found.hidden += 1;
            match (is_enough(values), is_beyond) {
                (true, _) => {}
                (false, true) => found.beyond += 1,
                (false, false) => {
                    let of = format!("{seen:?}: cell {at} is one of {values:?}");
                    found.recovered.push(of);
                }
            }
        }
    }
    found
}

#[expect(clippy::print_stdout, reason = "figures")]
fn nothing_is_found(size: usize, columns: usize, most: u64, total: u64) {
    let found = recovered(size, columns, most, total);
    let Found {
        hidden,
        beyond,
        recovered,
    } = &found;
    println!(
        "{size} cells up to {most}: {hidden} hidden, {} recovered, {beyond} at the edge",
        recovered.len()
    );
    assert!(
        *hidden > 1_000 && beyond * 2 < *hidden,
        "{beyond} of {hidden}"
    );
    let some = &recovered[..recovered.len().min(5)];
    assert!(
        recovered.is_empty(),
        "{} of {hidden}: {some:#?}",
        recovered.len()
    );
}

/// Largest count of the tables. `DISCLOSURE_COUNTS_MAX=20` takes long.
fn counts_max(usual: u64) -> u64 {
    let given = std::env::var("DISCLOSURE_COUNTS_MAX").ok();
    given.map_or(usual, |given| given.parse().expect("a number"))
}

#[test]
fn whoever_has_the_program_finds_nothing_in_two_rows_of_two() {
    let most = counts_max(7);
    nothing_is_found(4, 2, most, 4 * most);
}

#[test]
fn whoever_has_the_program_finds_nothing_in_two_rows_of_three() {
    let most = counts_max(8);
    nothing_is_found(6, 3, most, most);
}
