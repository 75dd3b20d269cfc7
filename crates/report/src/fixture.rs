//! A small register and two small years, for tests.

use affluenza_register::Register;
use affluenza_store::figures::{
    BandUse, Breakdowns, CountryUse, DayUse, Detail, DeviceUse, EnteHourUse, EnteServiceUse,
    EnteSilence, HourUse, MonthUse, MonthVisitors, PortalVisitors, RulesUse, ServiceUse, UsageCell,
    ValueUse, YearFigures,
};
use affluenza_store::usage::Dimension;

/// Three enti and three categories. One service ended in 2017; one ente offers no service.
pub(crate) const REGISTER: &str = r#"
    category = [
        { code = "anagrafe", name_it = "Anagrafe, stato civile e cittadinanza", name_en = "Registry, civil status and citizenship" },
        { code = "sicurezza", name_it = "Sicurezza del cittadino e pronto intervento", name_en = "Public safety and emergency response" },
        { code = "sport", name_it = "Sport e tempo libero", name_en = "Sport and leisure" },
    ]
    ente = [
        { code = "c_d612", name = "Firenze", kind = "comune", aliases = ["Florence"], population = { inhabitants = 380_000, year = 2017 } },
        { code = "c_e466", name = "Lastra a Signa", kind = "comune" },
        { code = "um_mugello", name = "Unione montana dei Comuni del Mugello", kind = "unione" },
    ]
    service = [
        { code = "certificati", name_it = "Certificati", name_en = "Certificates", category = "anagrafe" },
        { code = "multe", name_it = "Pagamento delle multe", name_en = "Payment of fines", category = "sicurezza", nature = "payment" },
        { code = "piscine", name_it = "Prenotazione delle piscine", category = "sport", nature = "booking", valid_to = 2017-07-01 },
    ]

    [deployments.c_d612]
    certificati = {}
    multe = {}
    piscine = {}

    [deployments.um_mugello]
    certificati = { valid_from = 2017-02-01 }
"#;

pub(crate) fn register() -> Register {
    Register::parse(REGISTER).unwrap()
}

pub(crate) fn cell(ente: &str, category: &str, kind: &str, service_uses: u64) -> UsageCell {
    UsageCell {
        ente: ente.to_owned(),
        category: category.to_owned(),
        kind: kind.to_owned(),
        service_uses,
    }
}

pub(crate) fn service(service: &str, category: &str, service_uses: u64, enti: u64) -> ServiceUse {
    ServiceUse {
        service: service.to_owned(),
        category: category.to_owned(),
        service_uses,
        enti,
    }
}

pub(crate) fn device(device: &str, accesses: u64) -> DeviceUse {
    DeviceUse {
        device: device.to_owned(),
        accesses,
        service_uses: accesses / 4,
    }
}

pub(crate) fn band(band: &str, users_hours: u64, accesses: u64) -> BandUse {
    BandUse {
        band: band.to_owned(),
        users_hours,
        accesses,
    }
}

/// 2017: 16, 176 and 87 users an hour; 61 of 100 accesses by desktop; a service and an ente that
/// are not registered.
pub(crate) fn year_2017() -> YearFigures {
    YearFigures {
        months_in_doubt: Vec::new(),
        usage: vec![
            cell("c_d612", "anagrafe", "plain", 129_394),
            cell("c_d612", "anagrafe", "payment", 335),
            cell("c_d612", "sicurezza", "payment", 65_056),
            cell("c_d612", "sport", "booking", 7),
            cell("c_d612", "unregistered", "plain", 12),
            cell("um_mugello", "anagrafe", "plain", 1_859),
            cell("um_mugello", "sicurezza", "plain", 39),
            cell("nobody", "unregistered", "plain", 5),
        ],
        services: vec![
            service("certificati", "anagrafe", 131_588, 2),
            service("multe", "sicurezza", 65_095, 2),
            service("nuovo-servizio", "unregistered", 17, 2),
            service("piscine", "sport", 7, 1),
        ],
        devices: vec![
            device("desktop", 610_000),
            device("smartphone", 300_000),
            device("tablet", 89_000),
            device("bot", 45_678),
            device("other", 1_000),
        ],
        bands: vec![
            band("night", 16 * 8 * 365, 50_000),
            band("office", 176 * 10 * 365, 700_000),
            band("evening", 87 * 6 * 365, 250_000),
        ],
        hours: (0..24)
            .map(|local_hour| HourUse {
                local_hour,
                users_hours: match local_hour {
                    0..8 => 16 * 365,
                    8..18 => 176 * 365,
                    _ => 87 * 365,
                },
                accesses: 41_666,
            })
            .collect(),
        countries: [("", 45_000), ("DE", 5_000), ("IT", 940_000), ("US", 10_000)]
            .map(|(country, accesses)| CountryUse {
                country: country.to_owned(),
                accesses,
                service_uses: accesses / 2,
            })
            .to_vec(),
        detail: detail_2017(),
    }
}

/// Uses of a service in an ente: completed, abandoned and failed, and the last day of use.
pub(crate) fn tried(
    ente: &str,
    service: &str,
    [category, kind]: [&str; 2],
    [service_uses, abandoned, failed]: [u64; 3],
    last_day: &str,
) -> EnteServiceUse {
    EnteServiceUse {
        ente: ente.to_owned(),
        service: service.to_owned(),
        category: category.to_owned(),
        kind: kind.to_owned(),
        service_uses,
        abandoned,
        failed,
        last_day: last_day.to_owned(),
    }
}

fn month(ente: &str, month: u8, device: &str, accesses: u64) -> MonthUse {
    MonthUse {
        ente: ente.to_owned(),
        month,
        device: device.to_owned(),
        portal_kind: "services".to_owned(),
        accesses,
        service_uses: accesses / 4,
    }
}

fn detail_2017() -> Detail {
    let (plain, payment) = (["anagrafe", "plain"], ["anagrafe", "payment"]);
    let late = "2017-12-30";
    Detail {
        services: vec![
            tried("c_d612", "certificati", plain, [129_394, 70, 30], late),
            tried("c_d612", "certificati", payment, [335, 0, 0], late),
            tried(
                "c_d612",
                "multe",
                ["sicurezza", "payment"],
                [65_056, 0, 12],
                late,
            ),
            tried(
                "c_d612",
                "piscine",
                ["sport", "booking"],
                [7, 0, 0],
                "2017-06-28",
            ),
            tried("um_mugello", "certificati", plain, [1_859, 3, 0], late),
        ],
        months: vec![
            month("c_d612", 1, "desktop", 600_000),
            month("c_d612", 2, "smartphone", 300_000),
            month("c_d612", 2, "tablet", 88_000),
            month("c_d612", 2, "bot", 45_678),
            month("c_d612", 12, "other", 1_000),
            month("um_mugello", 1, "desktop", 10_000),
            MonthUse {
                portal_kind: "civic".to_owned(),
                ..month("um_mugello", 1, "tablet", 1_000)
            },
        ],
        portal_visitors: [
            ("c_d612", "services", 123_456),
            ("um_mugello", "civic", 600),
            ("um_mugello", "services", 4_000),
        ]
        .map(|(ente, portal_kind, visitors_days)| PortalVisitors {
            ente: ente.to_owned(),
            portal_kind: portal_kind.to_owned(),
            visitors_days,
        })
        .to_vec(),
        visitors: vec![MonthVisitors {
            ente: "c_d612".to_owned(),
            month: 1,
            visitors_days: 123_456,
        }],
        hours: vec![EnteHourUse {
            ente: "um_mugello".to_owned(),
            band: "office".to_owned(),
            local_hour: 9,
            users_hours: 3_650,
            accesses: 11_000,
        }],
        breakdowns: breakdowns_2017(),
        days: ["2017-01-31", "2017-02-01"]
            .into_iter()
            .flat_map(|day| {
                ["desktop", "smartphone"].map(|device| DayUse {
                    day: day.to_owned(),
                    device: device.to_owned(),
                    accesses: 5_000,
                    service_uses: 10,
                })
            })
            .collect(),
        silences: vec![EnteSilence {
            ente: "c_d612".to_owned(),
            days: 363,
            events: 1_000_000,
            silence_days: 2,
            silence_from: "2017-08-15".to_owned(),
        }],
        rules: vec![RulesUse {
            rules: "1.r0".to_owned(),
            first_day: "2017-01-01".to_owned(),
            last_day: "2017-12-31".to_owned(),
            events: 2_000_000,
        }],
        week: Vec::new(),
        category_months: Vec::new(),
    }
}

fn breakdowns_2017() -> Breakdowns {
    let country = ValueUse {
        ente: "um_mugello".to_owned(),
        value: "IT".to_owned(),
        accesses: 11_000,
        service_uses: 1_898,
    };
    let logins = [("none", 100_000), ("spid-2", 80_000), ("cns", 16_707)];
    let logins = logins.map(|(login, service_uses)| ValueUse {
        ente: "c_d612".to_owned(),
        value: login.to_owned(),
        accesses: service_uses * 2,
        service_uses,
    });
    let lists = [
        (Dimension::Country, vec![country]),
        (Dimension::Login, logins.to_vec()),
    ];
    lists.into_iter().collect()
}

/// 2016: sport had no use, so its change is undefined.
pub(crate) fn year_2016() -> YearFigures {
    YearFigures {
        months_in_doubt: Vec::new(),
        usage: vec![
            cell("c_d612", "anagrafe", "plain", 100_000),
            cell("c_d612", "sicurezza", "payment", 70_000),
        ],
        services: vec![
            service("certificati", "anagrafe", 100_000, 1),
            service("multe", "sicurezza", 70_000, 1),
        ],
        detail: Detail {
            services: vec![
                tried(
                    "c_d612",
                    "certificati",
                    ["anagrafe", "plain"],
                    [100_000, 0, 0],
                    "2016-12-31",
                ),
                tried(
                    "c_d612",
                    "multe",
                    ["sicurezza", "payment"],
                    [70_000, 0, 0],
                    "2016-12-31",
                ),
            ],
            months: vec![
                month("c_d612", 1, "desktop", 500_000),
                month("c_d612", 1, "smartphone", 100_000),
            ],
            ..Detail::default()
        },
        ..YearFigures::default()
    }
}
