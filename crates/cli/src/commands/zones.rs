//! Time zones of portals.

use affluenza_classify::hours::Zone;
use affluenza_disclosure::edition::ClosedPeriod;
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

/// Fails unless the year or month is over in every zone of the register.
pub fn check_over(period: ClosedPeriod, register: &Register) -> Result<()> {
    let last = i8::try_from(period.month.unwrap_or(12))?;
    let last = Date::new(period.year, last, 1)?.last_of_month();
    for zone in of(register, None) {
        if Timestamp::now().in_tz(zone.name())?.date() <= last {
            bail!(
                "{period} is not over in {}: close it when {last} has passed",
                zone.name()
            );
        }
    }
    Ok(())
}
