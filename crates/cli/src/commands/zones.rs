//! Time zones of portals.

use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use anyhow::{Result, bail};
use jiff::Timestamp;
use jiff::civil::Date;

/// Returns the time zones of one ente, or of all.
pub fn of(register: &Register, ente: Option<&str>) -> Vec<Zone> {
    register.zones(|one, _| ente.is_none_or(|code| code == one.code()))
}

/// Returns the present day in the zone of the register where it begins last.
pub fn today(register: &Register) -> Result<Date> {
    let now = Timestamp::now();
    let mut today = now.in_tz(super::report::ZONE)?.date();
    for zone in of(register, None) {
        today = today.min(now.in_tz(zone.name())?.date());
    }
    Ok(today)
}

/// Fails unless the year is over in every zone of the register.
pub fn check_over(year: i16, register: &Register) -> Result<()> {
    for zone in of(register, None) {
        if Timestamp::now().in_tz(zone.name())?.year() <= year {
            bail!(
                "{year} is not over in {}: close it from 1 January {}",
                zone.name(),
                year.saturating_add(1)
            );
        }
    }
    Ok(())
}
