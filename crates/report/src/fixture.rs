//! A small made-up register and year, for tests.

use affluenza_register::Register;
use affluenza_store::figures::{
    BandUse, CountryUse, DeviceUse, HourUse, ServiceUse, UsageCell, YearFigures,
};

/// Three enti, three categories; one service ended in 2017, one ente offers nothing.
const REGISTER: &str = r#"
    category = [
        { code = "anagrafe", name_it = "Anagrafe, stato civile e cittadinanza", name_en = "Registry, civil status and citizenship" },
        { code = "sicurezza", name_it = "Sicurezza del cittadino e pronto intervento", name_en = "Public safety and emergency response" },
        { code = "sport", name_it = "Sport e tempo libero", name_en = "Sport and leisure" },
    ]
    ente = [
        { code = "c_d612", name = "Firenze", kind = "comune", aliases = ["Florence"] },
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

/// 2017: 16, 176 and 87 users an hour, 61 of 100 accesses by desktop, a service and an ente that
/// the register does not know.
pub(crate) fn year_2017() -> YearFigures {
    let users = |hour| match hour {
        0..8 => 16 * 365,
        8..18 => 176 * 365,
        _ => 87 * 365,
    };
    YearFigures {
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
                users_hours: users(local_hour),
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
    }
}

/// 2016: sport had no use, so its change is undefined.
pub(crate) fn year_2016() -> YearFigures {
    YearFigures {
        usage: vec![
            cell("c_d612", "anagrafe", "plain", 100_000),
            cell("c_d612", "sicurezza", "payment", 70_000),
        ],
        services: vec![
            service("certificati", "anagrafe", 100_000, 1),
            service("multe", "sicurezza", 70_000, 1),
        ],
        ..YearFigures::default()
    }
}
