//! Accesses by class of device.

use affluenza_classify::device::Device;
use affluenza_store::figures::DeviceUse;
use serde::Serialize;

use crate::ratio::share_percent;

/// Classes of people's devices, in the order of the table.
const PEOPLE: [Device; 5] = [
    Device::Desktop,
    Device::Smartphone,
    Device::Tablet,
    Device::Other,
    Device::Unknown,
];

/// Use from a class of device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceRow {
    /// `desktop`, `smartphone`, `tablet`, `other` or `unknown`.
    pub device: &'static str,
    /// Accesses of people.
    pub accesses: u64,
    /// Share of people's accesses, in percent; `None` without any.
    pub share_percent: Option<f64>,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Smartphones and tablets together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mobile {
    /// Accesses of people.
    pub accesses: u64,
    /// Share of people's accesses, in percent; `None` without any.
    pub share_percent: Option<f64>,
}

/// Accesses by class of device. Bots and clients without a user agent are counted separately and are
/// in no share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Devices {
    /// Classes of people's devices; `unknown` only if it has accesses or uses.
    pub classes: Vec<DeviceRow>,
    /// Smartphones and tablets together.
    pub smartphone_and_tablet: Mobile,
    /// Accesses of people: the sum of the classes.
    pub accesses: u64,
    /// Accesses of bots. They are not among those of people.
    pub bot_accesses: u64,
    /// Accesses of clients that sent no user agent. They are not among those of people.
    pub no_agent_accesses: u64,
}

impl Devices {
    pub(crate) fn build(devices: &[DeviceUse]) -> Self {
        let mut people = [(0, 0); PEOPLE.len()];
        let (mut bot_accesses, mut no_agent_accesses) = (0, 0);
        for row in devices {
            // A class unknown to this version counts as another device, so that no access is lost.
            match row.device.parse().unwrap_or(Device::Other) {
                Device::Bot => bot_accesses += row.accesses,
                Device::NoAgent => no_agent_accesses += row.accesses,
                device => {
                    let (accesses, service_uses) = &mut people[place(device)];
                    *accesses += row.accesses;
                    *service_uses += row.service_uses;
                }
            }
        }
        let accesses = people.iter().map(|(accesses, _)| accesses).sum();
        let mobile = people[place(Device::Smartphone)].0 + people[place(Device::Tablet)].0;
        let classes = PEOPLE.iter().zip(people);
        let classes =
            classes.filter(|(device, counts)| **device != Device::Unknown || *counts != (0, 0));
        let classes = classes.map(|(device, counts)| DeviceRow {
            device: device.into(),
            accesses: counts.0,
            share_percent: share_percent(counts.0, accesses),
            service_uses: counts.1,
        });
        Self {
            classes: classes.collect(),
            smartphone_and_tablet: Mobile {
                accesses: mobile,
                share_percent: share_percent(mobile, accesses),
            },
            accesses,
            bot_accesses,
            no_agent_accesses,
        }
    }
}

/// Place of a class among those of people; that of other devices for all others.
fn place(device: Device) -> usize {
    let found = PEOPLE.iter().position(|one| *one == device);
    found.unwrap_or_else(|| place(Device::Other))
}
