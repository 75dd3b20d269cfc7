//! Finds moves that keep every sum, by a linear programme: the attacker's question, inverted.

use std::time::Duration;

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, Variable};

use crate::system::{Move, System};

/// Largest change of a figure with one step of another.
const STEP_MAX: i64 = 3;
/// Largest distance of a solution from whole numbers.
const WHOLE: f64 = 1e-6;
/// Time limit of a search in whole numbers, in seconds.
const WHOLE_SECONDS_MAX: u64 = 20;

/// Number of steps that a figure must be able to move in each direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amounts {
    pub down: i64,
    pub up: i64,
}

/// The search ended without an answer.
#[derive(Debug)]
pub(crate) struct Failed;

/// Largest change of a figure with one step.
struct Room {
    figure: usize,
    up: i64,
    down: i64,
    cost: f64,
}

/// Returns the cheapest move that changes figure `of` by one a step and can be repeated `amounts`
/// times, if there is one. Figures without a cost do not move.
pub(crate) fn cheapest(
    system: &System,
    counts: &[i64],
    of: usize,
    amounts: Amounts,
    cost: &dyn Fn(usize) -> Option<f64>,
) -> Result<Option<Move>, Failed> {
    let rooms = rooms(system, counts, amounts, cost);
    // Fractions are cheaper to solve; integers are needed only if the solution is not whole.
    for is_whole in [false, true] {
        match solved(system, &rooms, of, is_whole)? {
            None => return Ok(None),
            Some(Solved::Move(step)) => {
                let raised = system.moved(counts, &step, amounts.up);
                let is_right = step.0.contains(&(of, 1))
                    && raised.is_some_and(|counts| system.adds_up(&counts))
                    && system.moved(counts, &step, -amounts.down).is_some();
                return is_right.then_some(Some(step)).ok_or(Failed);
            }
            Some(Solved::Fractions) => {}
        }
    }
    Err(Failed)
}

fn rooms(
    system: &System,
    counts: &[i64],
    amounts: Amounts,
    cost: &dyn Fn(usize) -> Option<f64>,
) -> Vec<Room> {
    let mut rooms = Vec::new();
    for (place, figure) in system.figures.iter().enumerate() {
        let room = counts[place] - figure.least().cast_signed();
        // A figure that rises with a step falls when the move is reversed, so `down` limits its rise.
        let [up, down] = [amounts.down, amounts.up].map(|steps| match steps {
            0 => STEP_MAX,
            _ => (room / steps).min(STEP_MAX),
        });
        if (up > 0 || down > 0)
            && let Some(cost) = cost(place)
        {
            rooms.push(Room {
                figure: place,
                up,
                down,
                cost,
            });
        }
    }
    rooms
}

enum Solved {
    Move(Move),
    Fractions,
}

fn solved(
    system: &System,
    rooms: &[Room],
    of: usize,
    is_whole: bool,
) -> Result<Option<Solved>, Failed> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    if is_whole {
        problem.set_time_limit(Duration::from_secs(WHOLE_SECONDS_MAX));
    }
    let mut variables: Vec<Option<[Variable; 2]>> = vec![None; system.figures.len()];
    for room in rooms {
        // The figure itself rises by exactly one with each step.
        let is_of = room.figure == of;
        let ups = if is_of { 1..=1 } else { 0..=room.up };
        let downs = if is_of { 0..=0 } else { 0..=room.down };
        let pair = [ups, downs].map(|range| match is_whole {
            true => {
                problem.add_integer_var(room.cost, (*range.start() as i32, *range.end() as i32))
            }
            false => problem.add_var(room.cost, (*range.start() as f64, *range.end() as f64)),
        });
        variables[room.figure] = Some(pair);
    }
    if variables[of].is_none() {
        return Ok(None);
    }
    for sum in &system.sums {
        let mut terms = Vec::with_capacity(2 * sum.len());
        for (figure, sign) in sum {
            if let Some([up, down]) = variables[*figure] {
                let sign = *sign as f64;
                terms.extend([(up, sign), (down, -sign)]);
            }
        }
        if !terms.is_empty() {
            problem.add_constraint(&terms, ComparisonOp::Eq, 0.0);
        }
    }
    let solution = match problem.solve() {
        Ok(outcome) => outcome.into_solution().map_err(|_| Failed)?,
        Err(Error::Infeasible) => return Ok(None),
        Err(_) => return Err(Failed),
    };
    let mut step = Vec::new();
    for (figure, pair) in variables.iter().enumerate() {
        let Some([up, down]) = pair else { continue };
        let by = solution.var_value(*up) - solution.var_value(*down);
        if (by - by.round()).abs() > WHOLE {
            return Ok(Some(Solved::Fractions));
        }
        if by.round() != 0.0 {
            step.push((figure, by.round() as i64));
        }
    }
    Ok(Some(Solved::Move(Move(step))))
}
