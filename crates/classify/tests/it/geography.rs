//! Look-ups of countries and regions in databases of several layouts, and without a database.

use affluenza_classify::geo::{Country, Geo, GeoError, Place};

use crate::mmdb::Value::{List, Map, Number, Text, Truth, Unsigned};
use crate::mmdb::{Value, database};

/// A record in the layout of GeoLite2 City.
fn nested(country: &'static str, region: &'static str) -> Value {
    Map(vec![
        (
            "city",
            Map(vec![(
                "names",
                Map(vec![("en", Text("A town whose name is long, to be sure"))]),
            )]),
        ),
        (
            "continent",
            Map(vec![
                ("code", Text("EU")),
                ("geoname_id", Unsigned(6_255_148)),
            ]),
        ),
        (
            "country",
            Map(vec![
                ("geoname_id", Unsigned(3_175_395)),
                ("is_in_european_union", Truth(true)),
                ("iso_code", Text(country)),
            ]),
        ),
        (
            "location",
            Map(vec![
                ("latitude", Number(45.46)),
                ("longitude", Number(9.19)),
            ]),
        ),
        ("registered_country", Map(vec![("iso_code", Text("US"))])),
        (
            "subdivisions",
            List(vec![
                Map(vec![("iso_code", Text(region))]),
                Map(vec![("iso_code", Text("MI"))]),
            ]),
        ),
    ])
}

fn geo() -> Geo {
    let bytes = database(&[
        ("151.38.0.0", 16, nested("IT", "25")),
        ("2a01:e11::", 32, nested("IT", "62")),
        (
            "5.5.0.0",
            16,
            Map(vec![
                ("country_code", Text("fr")),
                ("region", Text("Bretagne")),
            ]),
        ),
        (
            "6.6.0.0",
            16,
            Map(vec![("country", Text("DE")), ("region_code", Text("BY"))]),
        ),
        (
            "7.7.0.0",
            16,
            Map(vec![
                ("country", Text("Italy")),
                ("country_code", Text("IT")),
                ("region", Text("IT-88")),
            ]),
        ),
        (
            "8.8.0.0",
            16,
            Map(vec![(
                "registered_country",
                Map(vec![("iso_code", Text("CH"))]),
            )]),
        ),
        (
            "9.9.0.0",
            16,
            Map(vec![
                ("country", Unsigned(39)),
                ("subdivisions", Text("25")),
            ]),
        ),
        ("11.11.0.0", 16, Text("no map at all")),
        ("10.0.0.0", 8, nested("IT", "25")),
        (
            "12.12.0.0",
            16,
            Map(vec![
                ("country", Map(vec![])),
                ("subdivisions", List(vec![])),
            ]),
        ),
    ]);
    Geo::from_bytes(bytes).unwrap()
}

fn place(geo: &Geo, address: &str) -> (String, String) {
    let place = geo.place(address.parse().unwrap());
    (place.country.to_string(), place.region.to_string())
}

#[test]
fn records_of_every_shape_are_read() {
    let geo = geo();
    for (address, country, region) in [
        ("151.38.12.0", "IT", "IT-25"),
        ("::ffff:151.38.12.0", "IT", "IT-25"),
        ("2a01:e11:5007::", "IT", "IT-62"),
        ("5.5.1.0", "FR", "unknown"),
        ("6.6.1.0", "DE", "DE-BY"),
        ("7.7.1.0", "IT", "IT-88"),
        ("8.8.8.8", "CH", "unknown"),
        ("9.9.9.9", "unknown", "unknown"),
        ("11.11.1.1", "unknown", "unknown"),
        ("12.12.1.1", "unknown", "unknown"),
        ("1.1.1.1", "unknown", "unknown"),
        ("2001:4860::", "unknown", "unknown"),
    ] {
        assert_eq!(
            place(&geo, address),
            (country.to_owned(), region.to_owned()),
            "{address}"
        );
    }
    assert_eq!(geo.country("151.38.12.0".parse().unwrap()), Country::ITALY);
    assert_eq!(geo.edition(), Some(("Affluenza-Test", 1_700_000_000)));
}

#[test]
fn local_addresses_are_nowhere_even_if_the_database_has_them() {
    let geo = geo();
    for address in [
        "10.1.2.3",
        "127.0.0.1",
        "192.168.1.1",
        "::1",
        "fe80::1",
        "fd00::1",
    ] {
        assert_eq!(
            geo.place(address.parse().unwrap()),
            Place::UNKNOWN,
            "{address}"
        );
    }
}

#[test]
fn without_a_database_every_place_is_unknown() {
    for geo in [Geo::none(), Geo::default()] {
        assert_eq!(geo.edition(), None);
        assert_eq!(geo.place("151.38.12.0".parse().unwrap()), Place::UNKNOWN);
    }
}

#[test]
fn what_is_no_database_is_refused_and_a_broken_one_is_survived() {
    for bytes in [vec![], b"not a database".to_vec(), vec![0xff; 4_096]] {
        assert!(matches!(Geo::from_bytes(bytes), Err(GeoError::Format(_))));
    }
    let whole = database(&[("151.38.0.0", 16, nested("IT", "25"))]);
    let tree_end = whole
        .windows(16)
        .position(|window| window == [0; 16])
        .unwrap();
    for at in tree_end + 16..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0xff;
        // An error, an unknown place or a valid place are all fine; only a panic is not.
        if let Ok(geo) = Geo::from_bytes(broken) {
            let _ = geo.place("151.38.12.0".parse().unwrap());
        }
    }
}
