//! Streams are counted again from their bytes and compared with the printed figures.

#[cfg(test)]
mod figures_dir;
#[cfg(test)]
mod focus;
#[cfg(test)]
mod recount;
#[cfg(test)]
mod streams;
