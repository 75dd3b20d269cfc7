//! Hides figures until every small one is in a move of hidden figures.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::neighbours::RankedNeighbours;
use crate::protect::{HIDDEN, Pattern, Unprotected};
use crate::search::{Amounts, Costs, Effort, MoveSearch, RecentMoves};
use crate::system::Move;

/// Time between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Progress of a long choice, in the log.
struct CoverProgress {
    next: Instant,
}

impl CoverProgress {
    fn show(&mut self, step: &str, done: usize, all: usize) {
        let now = Instant::now();
        if now >= self.next {
            tracing::info!("protecting small counts: {step}, {done} of {all}");
            self.next = now + PROGRESS_EVERY;
        }
    }
}

/// A move that makes small figures safe.
struct SafeMove {
    step: Move,
    /// Small figure that the move was found for.
    of: usize,
    /// Small figures that rely on the move.
    relying: Vec<usize>,
}

pub(crate) struct Cover<'p> {
    pattern: &'p Pattern<'p>,
    counts: &'p [i64],
    search: MoveSearch<'p>,
    /// Cost of hiding each figure.
    costs: Vec<f64>,
    is_hidden: Vec<bool>,
    recent: RecentMoves,
    /// Moves; `None` for one that was replaced.
    moves: Vec<Option<SafeMove>>,
    /// Moves that contain each figure.
    moves_of: Vec<Vec<usize>>,
    /// Move that each small figure relies on.
    relied_on: Vec<Option<usize>>,
    progress: CoverProgress,
}

impl<'p> Cover<'p> {
    pub fn new(pattern: &'p Pattern<'p>, counts: &'p [i64]) -> Self {
        let all = counts.len();
        let rank = counts.iter().map(|count| count.unsigned_abs());
        let ranked: RankedNeighbours<'p> = pattern.neighbours.ranked(rank.collect());
        Self {
            costs: (0..all).map(|place| pattern.cost(place, counts)).collect(),
            is_hidden: (0..all)
                .map(|place| pattern.is_small(place, counts))
                .collect(),
            search: MoveSearch {
                system: pattern.system,
                ranked,
                room: pattern.system.room(counts),
                whole_max: pattern.whole_max,
            },
            pattern,
            counts,
            recent: RecentMoves::default(),
            moves: Vec::new(),
            moves_of: vec![Vec::new(); all],
            relied_on: vec![None; all],
            progress: CoverProgress {
                next: Instant::now() + PROGRESS_EVERY,
            },
        }
    }

    /// Returns the moves that make the small figures safe, by the figure that each was found for.
    pub fn moves(mut self) -> Result<BTreeMap<usize, Move>, Unprotected> {
        let all = 0..self.is_hidden.len();
        let mut in_order: Vec<usize> = all.filter(|at| self.is_hidden[*at]).collect();
        // The smallest figures go first: they need the most, and their moves help the others.
        in_order.sort_unstable_by_key(|place| (self.counts[*place], *place));
        let small = in_order.len();
        for (done, place) in in_order.into_iter().enumerate() {
            self.progress.show("hiding others", done, small);
            if self.relied_on[place].is_some() {
                continue;
            }
            let step = self
                .safe(place, Effort::Best)?
                .ok_or(Unprotected::NoneFound)?;
            self.keep(step, place);
        }
        self.improve()?;
        self.show_superfluous()?;
        let moves = self.moves.into_iter().flatten();
        let moves = moves.filter(|kept| !kept.relying.is_empty());
        Ok(moves.map(|kept| (kept.of, kept.step)).collect())
    }

    /// Hides the figures of a move. The small figures among them rely on it.
    fn keep(&mut self, step: Move, of: usize) {
        let at = self.moves.len();
        self.recent.note(&self.search.ranked, &step);
        let mut relying = Vec::new();
        for (figure, _) in &step.0 {
            self.moves_of[*figure].push(at);
            if self.pattern.system.figures[*figure].is_shown {
                self.is_hidden[*figure] = true;
                if self.relied_on[*figure].is_none() && self.pattern.is_small(*figure, self.counts)
                {
                    self.relied_on[*figure] = Some(at);
                    relying.push(*figure);
                }
            }
        }
        self.moves.push(Some(SafeMove { step, of, relying }));
    }

    /// Returns the cheapest move that leaves a figure at least `k` values. Figures that are not
    /// hidden yet move only with the best effort.
    fn safe(&self, place: usize, effort: Effort) -> Result<Option<Move>, Unprotected> {
        let cost = |other: usize| match self.costs[other] {
            cost if self.is_hidden[other] || cost <= HIDDEN => Some(HIDDEN),
            cost => (effort == Effort::Best && cost.is_finite()).then_some(cost),
        };
        let costs = Costs {
            cost: &cost,
            start: None,
            recent: &self.recent,
        };
        let span = self.pattern.threshold.k.cast_signed() - 1;
        let mut best: Option<(f64, Move)> = None;
        for down in 0..=span.min(self.counts[place] - 1) {
            let amounts = Amounts {
                down,
                up: span - down,
            };
            let Some(step) = self.search.cheapest(place, amounts, &costs, effort)? else {
                continue;
            };
            let total = step.0.iter().filter_map(|(figure, _)| cost(*figure)).sum();
            if best.as_ref().is_none_or(|(least, _)| total < *least) {
                best = Some((total, step));
            }
        }
        Ok(best.map(|(_, step)| step))
    }

    /// Replaces moves by cheaper ones, now that other moves have hidden figures.
    fn improve(&mut self) -> Result<(), Unprotected> {
        let moves = self.moves.len();
        for at in 0..moves {
            self.progress.show("hiding fewer", at, moves);
            let Some(kept) = &self.moves[at] else {
                continue;
            };
            let only: Vec<usize> = kept
                .step
                .0
                .iter()
                .map(|(of, _)| *of)
                .filter(|figure: &usize| {
                    let mut others = self.moves_of[*figure].iter().filter(|other| **other != at);
                    self.is_hidden[*figure]
                        && !self.pattern.is_small(*figure, self.counts)
                        && others.all(|other| self.moves[*other].is_none())
                })
                .collect();
            if only.is_empty() {
                continue;
            }
            only.iter()
                .for_each(|figure| self.is_hidden[*figure] = false);
            let worth = only.iter().map(|figure| self.costs[*figure]).sum();
            // Without a solution in time, the present moves stay.
            if !self
                .replace_moves(&[at], Effort::Best, worth)
                .unwrap_or(false)
            {
                only.iter()
                    .for_each(|figure| self.is_hidden[*figure] = true);
            }
        }
        Ok(())
    }

    /// Shows superfluous figures again, the most valuable first. A figure is superfluous if every
    /// small figure that relies on a move with it has another move.
    fn show_superfluous(&mut self) -> Result<(), Unprotected> {
        let all = 0..self.is_hidden.len();
        let mut others: Vec<usize> = all
            .filter(|at| self.is_hidden[*at] && !self.pattern.is_small(*at, self.counts))
            .collect();
        others.sort_unstable_by(|one, other| {
            self.costs[*other]
                .total_cmp(&self.costs[*one])
                .then(one.cmp(other))
        });
        let hidden = others.len();
        for (done, place) in others.into_iter().enumerate() {
            self.progress.show("showing some again", done, hidden);
            self.is_hidden[place] = false;
            let broken = self.moves_of[place].clone();
            let replaced = self.replace_moves(&broken, Effort::Any, f64::INFINITY);
            if !replaced.unwrap_or(false) {
                self.is_hidden[place] = true;
            }
        }
        Ok(())
    }

    /// Finds other moves for the small figures that rely on some moves, if these hide further figures
    /// of less worth.
    fn replace_moves(
        &mut self,
        broken: &[usize],
        effort: Effort,
        worth: f64,
    ) -> Result<bool, Unprotected> {
        let mut cost = 0.0;
        let relying = broken.iter().filter_map(|at| self.moves[*at].as_ref());
        let relying: Vec<usize> = relying.flat_map(|kept| kept.relying.clone()).collect();
        let mut replaced: Vec<(usize, Result<usize, Move>)> = Vec::new();
        let mut found: Vec<Move> = Vec::new();
        for small in relying {
            let others = self.moves_of[small].iter();
            let mut others = others.filter(|at| self.moves[**at].is_some() && !broken.contains(at));
            if let Some(other) = others.next() {
                replaced.push((small, Ok(*other)));
            } else if found
                .iter()
                .any(|step: &Move| step.0.iter().any(|(of, _)| *of == small))
            {
                continue;
            } else {
                let Some(step) = self.safe(small, effort)? else {
                    return Ok(false);
                };
                let hides = step.0.iter().map(|(figure, _)| *figure);
                let hides = hides.filter(|figure| {
                    self.pattern.system.figures[*figure].is_shown && !self.is_hidden[*figure]
                });
                cost += hides.map(|figure| self.costs[figure]).sum::<f64>();
                if cost >= worth {
                    return Ok(false);
                }
                found.push(step.clone());
                replaced.push((small, Err(step)));
            }
        }
        for at in broken {
            if let Some(kept) = self.moves[*at].take() {
                for small in kept.relying {
                    self.relied_on[small] = None;
                }
            }
        }
        for (small, by) in replaced {
            match by {
                Ok(other) => {
                    self.relied_on[small] = Some(other);
                    if let Some(kept) = &mut self.moves[other] {
                        kept.relying.push(small);
                    }
                }
                Err(step) => self.keep(step, small),
            }
        }
        Ok(true)
    }
}
