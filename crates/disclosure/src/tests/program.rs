//! An attacker who has the program, runs it on every possible table with every secret, and drops
//! the tables that do not lead to the published cells.
//!
//! No table is skipped for symmetry: the secret breaks ties by label, so the program treats rows
//! differently, and columns too. The choice of hidden cells depends on the counts that decoys lead
//! to, not on the decoys. So the choice is computed once for all tables that lead to these counts.

mod shape;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::protect::{Chosen, Given, Pattern};
use crate::system::System;
use crate::{Draws, Secret, Threshold};
use shape::{CELLS_MAX, Cells, HIDDEN, Shape};

const K: u64 = 3;
const SECRET: Secret = Secret([11; 32]);
const THREADS: usize = 2;
/// One table in this many is published through the crate's interface, too.
const PUBLISHED_ONE_IN: usize = 499;

const DECOY: &str = "decoy";
const LEAN: &str = "lean";
const ORDER: &str = "order";
const START: &str = "start";
const TIE: &str = "tie";

/// A secret that draws a decoy for one cell at most: the program with the least randomness. A doubt
/// that remains with it remains with the full randomness.
struct Drawn<'a> {
    names: &'a [String],
    /// Number of each cell that breaks ties, from the secret.
    ties: &'a [u64],
    /// The cell, and the count that replaces it.
    decoy: Option<(usize, u64)>,
    /// Cells that the decoy leans towards. Every direction can be drawn.
    towards: Vec<usize>,
}

impl Draws for Drawn<'_> {
    fn draw(&self, purpose: &str, cell: &str) -> u64 {
        match (purpose, self.decoy) {
            // One number in eight draws a decoy; the rest of the number gives its count.
            (DECOY, Some((of, count))) if self.names[of] == cell => 8 * (count - 1),
            (DECOY, _) => 1,
            (LEAN, _) if self.towards.is_empty() => 3,
            (LEAN, Some((of, _))) => {
                let other = &cell[self.names[of].len() + 1..];
                let is_towards = self.towards.iter().any(|at| self.names[*at] == other);
                (1 << 40) | u64::from(is_towards)
            }
            (ORDER | START, _) => 0,
            (TIE, _) => {
                let at = self.names.iter().position(|name| name == cell);
                self.ties[at.expect("a cell")]
            }
            _ => unreachable!("the program draws nothing else"),
        }
    }
}

/// Searches the tables of a shape.
struct MoveSearch {
    shape: Shape,
    names: Vec<String>,
    ties: Vec<u64>,
    /// Tables in the order of their counts.
    tables: Vec<Cells>,
    /// Hidden cells by the counts that they are chosen for. Decoys of many tables lead to the same
    /// counts.
    hidden: Mutex<HashMap<Cells, Vec<usize>>>,
}

/// The program, run on one table with several secrets.
struct Program<'a> {
    search: &'a MoveSearch,
    counts: &'a Cells,
    system: System,
    /// Cell of each figure of the system.
    cells: Vec<usize>,
}

impl<'a> Program<'a> {
    fn new(search: &'a MoveSearch, counts: &'a Cells) -> Self {
        let system = search.shape.table(counts).system();
        let names = &search.names;
        let cell = |name: &String| names.iter().position(|of| of == name);
        let figures = system.figures.iter();
        let cells = figures.map(|figure| cell(&figure.name).expect("a cell"));
        Self {
            search,
            counts,
            cells: cells.collect(),
            system,
        }
    }

    fn seen(&self, draws: &Drawn<'_>) -> Cells {
        let given = Given::default();
        let pattern = Pattern::new(&self.system, Threshold { k: K }, draws, &given);
        let chosen = pattern.chosen(&self.system.counts(), &|alike| self.hidden(&pattern, alike));
        let mut cells = *self.counts;
        for figure in chosen.expect("it can be protected") {
            cells[self.cells[figure]] = HIDDEN;
        }
        cells
    }

    /// Returns the figures to hide for counts. A zero is in no move, so counts that decoys lead to
    /// have the figures of the table.
    fn hidden(&self, pattern: &Pattern<'_>, alike: &[i64]) -> Chosen {
        let mut cells = [0; CELLS_MAX];
        for (cell, count) in self.cells.iter().zip(alike) {
            cells[*cell] = u8::try_from(*count).expect("a small count");
        }
        let known = || {
            self.search
                .hidden
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(hidden) = known().get(&cells) {
            return Ok(hidden.iter().copied().collect());
        }
        let hidden = pattern.hidden(alike)?;
        known().insert(cells, hidden.iter().copied().collect());
        Ok(hidden)
    }
}

/// A publication, and the index of a table that leads to it.
type Led = (Cells, u32);

/// Values of a cell as bits.
type Values = [u128; CELLS_MAX];

/// Result of the search through all tables.
#[derive(Default)]
struct Found {
    /// Hidden cells of all publications.
    hidden: u64,
    /// Hidden cells whose other values may lie beyond the searched tables.
    beyond: u64,
    recovered: Vec<String>,
}

fn is_enough(values: u128) -> bool {
    u64::from(values.count_ones()) >= K && values >> K != 0
}

/// True if every hidden cell has enough possible values.
fn is_left(seen: &Cells, values: &Values) -> bool {
    let mut cells = seen.iter().zip(values);
    cells.all(|(seen, values)| *seen != HIDDEN || is_enough(*values))
}

fn add(values: &mut Values, table: &Cells) {
    for (values, count) in values.iter_mut().zip(table) {
        *values |= 1 << count;
    }
}

impl MoveSearch {
    fn new(shape: Shape) -> Self {
        let names = shape.names();
        Self {
            shape,
            ties: names.iter().map(|name| SECRET.draw(TIE, name)).collect(),
            names,
            tables: shape.tables(),
            hidden: Mutex::default(),
        }
    }

    /// Returns every possible publication of a table: without a decoy, and with each decoy that can
    /// be drawn.
    fn all_seen(&self, of: usize) -> BTreeSet<Cells> {
        let counts = &self.tables[of];
        let mut drawn = vec![None];
        for (at, count) in counts.iter().enumerate() {
            let count = u64::from(*count);
            if (1..=2 * K - 2).contains(&count) {
                drawn.extend((1..K).filter(|of| *of != count).map(|of| Some((at, of))));
            }
        }
        let program = Program::new(self, counts);
        let seen = |decoy| {
            let draws = Drawn {
                names: &self.names,
                ties: &self.ties,
                decoy,
                towards: Vec::new(),
            };
            let seen = program.seen(&draws);
            if of.is_multiple_of(PUBLISHED_ONE_IN) {
                assert_eq!(seen, self.shape.published(counts, &draws));
            }
            seen
        };
        drawn.into_iter().map(seen).collect()
    }

    /// Returns every publication of every table, sorted.
    fn all_led(&self) -> Vec<Led> {
        let indices: Vec<u32> = (0..).take(self.tables.len()).collect();
        let led_by = |of: &u32| {
            let seen = self.all_seen(*of as usize);
            seen.into_iter().map(|seen| (seen, *of)).collect::<Vec<_>>()
        };
        let mut led: Vec<Led> = in_threads(&indices, led_by).into_iter().flatten().collect();
        led.sort_unstable();
        led
    }

    /// True if a table may be published like another table that it can be confused with.
    fn may_be_seen(&self, seen: &Cells, program: &Program<'_>, other: &Cells) -> bool {
        let counts = program.counts;
        let is_moved = |at: &usize| counts[*at] > 0 && counts[*at] != other[*at];
        let towards: Vec<usize> = (0..CELLS_MAX).filter(is_moved).collect();
        let mut decoys = towards.iter().filter_map(|at| {
            let (count, of) = (u64::from(counts[*at]), u64::from(other[*at]));
            (count <= 2 * K - 2 && (1..K).contains(&of)).then_some((*at, of))
        });
        decoys.any(|decoy| {
            let draws = Drawn {
                names: &self.names,
                ties: &self.ties,
                decoy: Some(decoy),
                towards: towards.clone(),
            };
            program.seen(&draws) == *seen
        })
    }

    /// True at the edge of the searched range, where other tables that lead to the same publication
    /// are missing.
    fn is_beyond(&self, seen: &Cells, values: &Values) -> bool {
        let places = self.shape.cells().enumerate();
        let mut limits = places.filter_map(|(at, (row, column))| match (row, column) {
            (Some(_), Some(_)) => Some((at, self.shape.most)),
            (None, None) => Some((at, self.shape.total)),
            _ => None,
        });
        limits.any(|(at, limit)| seen[at] == HIDDEN && values[at] >> (limit + 1 - K) != 0)
    }

    /// Adds the values of other tables that may lead to a publication, until there are enough.
    /// `fitting` are the tables with its shown cells.
    fn add_fitting(&self, led: &[Led], fitting: &[Led], values: &mut Values) {
        let seen = &led[0].0;
        let mut tables: Vec<u32> = led.iter().map(|(_, of)| *of).collect();
        for (_, of) in fitting {
            if is_left(seen, values) {
                return;
            }
            let counts = &self.tables[*of as usize];
            let program = Program::new(self, counts);
            let is_led =
                |other: &u32| self.may_be_seen(seen, &program, &self.tables[*other as usize]);
            if !tables.contains(of) && tables.iter().any(is_led) {
                add(values, counts);
                tables.push(*of);
            }
        }
    }

    /// Returns the tables that fit publications with these hidden cells, sorted by what is shown. A
    /// zero is never hidden.
    fn fitting(&self, hidden: &[bool; CELLS_MAX]) -> Vec<Led> {
        let mut fitting = Vec::new();
        for (of, table) in (0..).zip(&self.tables) {
            let cells = std::array::from_fn(|at| if hidden[at] { HIDDEN } else { table[at] });
            if (0..CELLS_MAX).all(|at| !hidden[at] || table[at] > 0) {
                fitting.push((cells, of));
            }
        }
        fitting.sort_unstable();
        fitting
    }

    /// Searches for hidden cells with too few values that lead to the same publication.
    fn found(&self) -> Found {
        let led = self.all_led();
        let values_of = |led: &[Led]| {
            let mut values = [0; CELLS_MAX];
            led.iter()
                .for_each(|(_, of)| add(&mut values, &self.tables[*of as usize]));
            values
        };
        let mut found = Found::default();
        let mut short: Vec<(&[Led], Values)> = Vec::new();
        for led in led.chunk_by(|(one, _), (other, _)| one == other) {
            let (seen, values) = (&led[0].0, values_of(led));
            if is_left(seen, &values) || self.is_beyond(seen, &values) {
                found.add(seen, &values, self.is_beyond(seen, &values));
            } else {
                short.push((led, values));
            }
        }
        let hidden = |led: &[Led]| led[0].0.map(|cell| cell == HIDDEN);
        short.sort_by_key(|(led, _)| hidden(led));
        for short in short.chunk_by(|(one, _), (other, _)| hidden(one) == hidden(other)) {
            let fitting = self.fitting(&hidden(short[0].0));
            let added = in_threads(short, |(led, values)| {
                let from = fitting.partition_point(|(seen, _)| *seen < led[0].0);
                let to = fitting.partition_point(|(seen, _)| *seen <= led[0].0);
                let mut values = *values;
                self.add_fitting(led, &fitting[from..to], &mut values);
                values
            });
            for ((led, _), values) in short.iter().zip(&added) {
                found.add(&led[0].0, values, self.is_beyond(&led[0].0, values));
            }
        }
        found
    }
}

impl Found {
    fn add(&mut self, seen: &Cells, values: &Values, is_beyond: bool) {
        for at in (0..CELLS_MAX).filter(|at| seen[*at] == HIDDEN) {
            self.hidden += 1;
            match (is_enough(values[at]), is_beyond) {
                (true, _) => {}
                (false, true) => self.beyond += 1,
                (false, false) => {
                    let values = (0..128).filter(|count| values[at] >> count & 1 == 1);
                    let values: Vec<u32> = values.collect();
                    let of = format!("{seen:?}: cell {at} is one of {values:?}");
                    self.recovered.push(of);
                }
            }
        }
    }
}

/// Maps items in several threads; the order of the results is that of the items.
fn in_threads<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let part = items.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        let map = &map;
        let parts = items.chunks(part);
        let threads: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().map(map).collect::<Vec<_>>()))
            .collect();
        let parts = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        parts.flatten().collect()
    })
}

fn nothing_is_found([rows, columns]: [usize; 2], most: u64, total: u64) {
    let started = Instant::now();
    let search = MoveSearch::new(Shape {
        rows,
        columns,
        most,
        total,
    });
    let Found {
        hidden,
        beyond,
        recovered,
    } = search.found();
    println!(
        "{} tables of {rows}x{columns} up to {most}: {hidden} hidden, {} recovered, {beyond} at the edge, {:.1} s",
        search.tables.len(),
        recovered.len(),
        started.elapsed().as_secs_f64(),
    );
    assert!(
        hidden > 1_000 && beyond * 2 < hidden,
        "{beyond} of {hidden}"
    );
    let some = &recovered[..recovered.len().min(5)];
    assert!(
        recovered.is_empty(),
        "{} of {hidden}: {some:#?}",
        recovered.len()
    );
}

/// Largest count of the tables. `DISCLOSURE_COUNTS_MAX=20` takes minutes.
fn counts_max(usual: u64) -> u64 {
    let given = std::env::var("DISCLOSURE_COUNTS_MAX").ok();
    given.map_or(usual, |given| given.parse().expect("a number"))
}

#[test]
fn whoever_has_the_program_finds_nothing_in_two_rows_of_two() {
    let most = counts_max(12);
    nothing_is_found([2, 2], most, 4 * most);
}

#[test]
fn whoever_has_the_program_finds_nothing_in_two_rows_of_three() {
    let most = counts_max(12);
    nothing_is_found([2, 3], most, most);
}
