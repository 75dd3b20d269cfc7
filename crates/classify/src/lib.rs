//! Pure classification of events: device, local hour, holidays, geography.
//!
//! Same input and same [`RULES_VERSION`], same output, for ever and on every
//! machine: no clock, no randomness, no files, no network. Whoever calls reads the
//! geography database and the configuration, and keeps the caches.
//!
//! * [`device`]: the class of device behind a user agent, with the rule that decided;
//!   bots with their kind; browser and system as coarse families only.
//! * [`hours`]: the hour on the portal's wall, its band, holidays, opening hours, and
//!   how many hours really existed.
//! * [`language`]: the reader's language, as a coarse family.
//! * [`geo`]: country and region of an address, and its truncation.
//!
//! What a service is *about* (its category) is the register's business, not this
//! crate's. The facts behind the rules are named where the rules are.
//!
//! ```
//! use affluenza_classify::device::{self, Device, Hints};
//! use affluenza_classify::hours::{Band, Zone};
//!
//! let agent = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
//!              (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
//! let verdict = device::classify(agent, &Hints::NONE);
//! assert_eq!(verdict.device, Device::Tablet);
//! assert_eq!(verdict.rule.as_str(), "tablet.ipad");
//!
//! // 29 October 2017, 01:30 UTC: the hour after two o'clock, for the second time.
//! let local = Zone::named("Europe/Rome")?.local(1_509_240_600_000);
//! assert_eq!((local.hour, local.band), (2, Band::Night));
//! assert_eq!(local.hour_start_utc, 1_509_238_800);
//! # Ok::<(), affluenza_classify::hours::UnknownZone>(())
//! ```

pub mod device;
pub mod geo;
pub mod hours;
pub mod language;

pub use device::RULES_VERSION;
