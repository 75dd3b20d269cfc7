//! Local time, bands of the day, holidays and opening hours.
//!
//! Facts come from the IANA database bundled by `jiff` (never from the machine's
//! own copy, so that two machines agree) and from the laws named in [`Holiday`].

mod bands;
mod calendar;
mod civil;
mod desk;
mod existing;
mod zone;

pub use bands::{Band, Bands, BandsError};
pub use calendar::{Calendar, Holiday, MonthDay};
pub use civil::{LocalDate, LocalDateError, Weekday};
pub use desk::{OpeningHours, OpeningHoursError};
pub use existing::ExistingHours;
pub use zone::{LocalHour, UnknownZone, Zone};
