//! The tables of the report. Every figure counts people only, unless the report includes bots or
//! the field's documentation differs.

mod access;
mod breakdowns;
mod contributions;
mod cross;
mod devices;
mod hours;
mod peers;
mod places;
mod portals;
mod services;
mod usage;
mod variations;

pub(crate) use access::months;
pub use access::{AccessRow, Accesses, MonthRow};
pub use breakdowns::{BreakdownTable, BreakdownTables, ValueRow};
pub use contributions::Contribution;
pub use cross::{CellRow, CrossRow, CrossTable, EnteChange, EnteName, Unit};
pub use devices::{DeviceRow, Devices, Mobile};
pub use hours::{BandRow, HourRange, HourRow, Hours, WeekdayRow};
pub(crate) use peers::PEERS_MIN;
pub use peers::{EnteUses, MissingService, PeerGroup, Peers};
pub use places::Places;
pub use portals::{PortalKindRow, PortalVisitorsRow, Portals};
pub(crate) use services::TOP;
pub use services::{OfferedService, ServiceRow};
pub use usage::{CategoryRow, Kinds, Totals};
pub use variations::{
    BROKEN_ATTEMPTS_MIN, BROKEN_FAILED_PERCENT, BROKEN_USES_MIN, CategoryMove, CategoryVariations,
    Moves, Status, Variation,
};
pub(crate) use variations::{
    CategoryCounts, MAIN, Turn, Variations, changes, main_change_min, main_variations, with_status,
};

pub use crate::names::{CategoryName, ServiceName};
