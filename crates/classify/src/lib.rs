//! Pure classification of events: device, local hour, holidays, geography.
//!
//! The result depends only on the input and on the [rules](device::DeviceRules). It is the same on
//! every machine: the crate uses no clock, no randomness, no files and no network. The caller reads
//! the geography database, the configuration and the operator's rules, and keeps the caches.
//!
//! * [`device`]: the device class behind a user agent with the rule that decided it, the kind of a
//!   bot, and coarse families of browsers and operating systems.
//! * [`hours`]: local hours, bands of the day, holidays, opening hours, and the number of hours
//!   that existed in a range of dates.
//! * [`geo`]: country and region of an address, and truncation of addresses.
//!
//! The category of a service comes from the register, not from this crate. Each rule names its
//! source.
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
//! // 29 October 2017, 01:30 UTC: the second hour from 02:00 to 03:00 of that night.
//! let local = Zone::named("Europe/Rome")?.local(1_509_240_600_000);
//! assert_eq!((local.hour, local.band), (2, Band::Night));
//! assert_eq!(local.hour_start_utc, 1_509_238_800);
//! # Ok::<(), affluenza_classify::hours::UnknownZone>(())
//! ```

pub mod device;
pub mod geo;
pub mod hours;
