//! Accesses by class of device.

use affluenza_classify::device::Device;
use affluenza_store::figures::DeviceUse;
use serde::Serialize;

use crate::ratio::share_percent;

/// Classes of people's devices, in the order of the table.
const PEOPLE: [Device; 4] = [
    Device::Desktop,
    Device::Smartphone,
    Device::Tablet,
    Device::Other,
];

/// Use from a class of device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceRow {
    /// `desktop`, `smartphone`, `tablet` or `other`.
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

/// Accesses by class of device. Bots are counted separately and are in no share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Devices {
    /// Classes of people's devices.
    pub classes: Vec<DeviceRow>,
    /// Smartphones and tablets together.
    pub smartphone_and_tablet: Mobile,
    /// Accesses of people: the sum of the classes.
    pub accesses: u64,
    /// Accesses of bots. They are not among those of people.
    pub bot_accesses: u64,
}

impl Devices {
    pub(crate) fn build(devices: &[DeviceUse]) -> Self {
        let (mut people, mut bot_accesses) = ([(0, 0); PEOPLE.len()], 0);
        for row in devices {
            // A class unknown to this version counts as another device, so that no access is lost.
            match row.device.parse().unwrap_or(Device::Other) {
                Device::Bot => bot_accesses += row.accesses,
                device => {
                    let (accesses, service_uses) = &mut people[place(device)];
                    *accesses += row.accesses;
                    *service_uses += row.service_uses;
                }
            }
        }
        let accesses = people.iter().map(|(accesses, _)| accesses).sum();
        let mobile = people[place(Device::Smartphone)].0 + people[place(Device::Tablet)].0;
        let classes = PEOPLE.iter().zip(people).map(|(device, counts)| DeviceRow {
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
        }
    }
}

fn place(device: Device) -> usize {
    match device {
        Device::Desktop => 0,
        Device::Smartphone => 1,
        Device::Tablet => 2,
        Device::Bot | Device::Other => 3,
    }
}
