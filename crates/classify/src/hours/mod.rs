//! Local time, bands of the day, holidays and opening hours.
//!
//! Time zones come from the IANA database bundled with `jiff`. The machine's own copy is not used,
//! so that all machines agree. Holidays come from the laws listed at [`Holiday`].

mod bands;
mod calendar;
mod civil;
mod desk;
mod existing;
mod zone;

pub use bands::Band;
pub use calendar::{Calendar, Holiday, MonthDay, MonthDayError};
pub use civil::{date_since_1970, days_since_1970};
pub use desk::{OpeningHours, OpeningHoursError};
pub use existing::ExistingHours;
pub use zone::{LocalHour, UnknownZone, Zone};
