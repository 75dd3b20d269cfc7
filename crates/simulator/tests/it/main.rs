//! Counts the events of streams from their bytes and compares the counts with the printed figures.

#[cfg(test)]
mod figures_dir;
#[cfg(test)]
mod focus;
#[cfg(test)]
mod recount;
#[cfg(test)]
mod region;
#[cfg(test)]
mod streams;
