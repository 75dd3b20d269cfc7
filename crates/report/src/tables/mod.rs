//! The tables of the report. Every figure counts people only, bots left out, unless the
//! report is of both or the figure says so.

mod cross;
mod devices;
mod hours;
mod places;
mod services;
mod usage;

pub use cross::{CrossRow, CrossTable, EnteName, Unit};
pub use devices::{DeviceRow, Devices, Mobile};
pub use hours::{BandRow, HourRange, HourRow, Hours};
pub use places::Places;
pub use services::ServiceRow;
pub use usage::{CategoryRow, Kinds, Totals};

pub use crate::names::CategoryName;
