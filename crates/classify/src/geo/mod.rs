//! Country and region of an address, and its truncation.

mod lookup;
mod place;
mod record;
mod truncate;

pub use lookup::{Geo, GeoError};
pub use place::{Country, Place, Region};
pub use truncate::{is_local, is_truncated, truncate_ip};
