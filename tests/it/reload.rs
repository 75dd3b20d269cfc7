//! A register and a geography database are replaced while a consumer runs.

use std::path::Path;

use crate::mmdb::{Value, database};
use crate::support::{Engines, eventually, write};

const REGISTER: &str = r#"
    [[category]]
    code = "tributi"
    name_it = "Tributi"
    name_en = "Local taxes"

    [[ente]]
    code = "c_a"
    name = "Alfa"
    kind = "comune"

    [[service]]
    code = "imu"
    name_it = "IMU"
    category = "tributi"
"#;

fn geography(country: &'static str) -> Vec<u8> {
    let record = Value::Map(vec![("country_code", Value::Text(country))]);
    database(&[("151.38.0.0", 16, record)])
}

/// Replaces a file by a rename, as tools that update databases do.
fn replace(folder: &Path, name: &str, contents: &[u8]) {
    let new = write(folder, "new", contents);
    std::fs::rename(new, folder.join(name)).expect("it takes the place of the old one");
}

pub fn replaced_files_are_read_without_a_restart(engines: &Engines) {
    let place = engines.place("reload");
    let folder = &place.folder;
    let register = write(folder, "register.toml", REGISTER.as_bytes());
    let geo = write(folder, "geo.mmdb", &geography("IT"));
    place.run(&["migrate"]);
    let consumer = place.spawn_with(
        &["consume"],
        "consumer.log",
        &[
            (
                "AFFLUENZA__REGISTER__FILE",
                register.to_str().expect("plain"),
            ),
            (
                "AFFLUENZA__GEOGRAPHY__DATABASE",
                geo.to_str().expect("plain"),
            ),
        ],
    );
    let produce = |id: u32| {
        let event = format!(
            r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"s","id":"{id}","time":"2017-05-02T09:00:00Z","data":{{"ente":"c_a","portal":"www","service":"imu","kind":"plain","client":{{"ip":"151.38.7.0"}}}}}}"#
        );
        place.produce([("k", event.as_bytes())]);
        eventually("it is stored", || {
            place.count("SELECT count() FROM usage_events") == u64::from(id)
        });
    };
    let log = || std::fs::read_to_string(folder.join("consumer.log")).expect("it logs");
    produce(1);

    // Both files are invalid: the consumer logs it and keeps the old ones.
    replace(folder, "geo.mmdb", b"half a database");
    eventually("it is noticed", || log().contains("geo.mmdb"));
    replace(folder, "register.toml", b"[[ente]]");
    eventually("it is noticed", || {
        log().matches("a replaced file cannot be used").count() == 2
    });
    produce(2);

    // The register names a table of enti, which follows later.
    let moved = REGISTER.replace("tributi", "imposte");
    let (category, rest) = moved.split_once("[[ente]]").expect("it has an ente");
    let (_, service) = rest.split_once("[[service]]").expect("it has a service");
    let moved = format!("[files]\nenti = [\"enti.csv\"]\n{category}[[service]]{service}");
    replace(folder, "register.toml", moved.as_bytes());
    eventually("the missing file is noticed", || log().contains("enti.csv"));
    replace(folder, "geo.mmdb", &geography("FR"));
    replace(folder, "enti.csv", b"code;name;kind\r\nc_a;Alfa;comune\r\n");
    eventually("they are loaded", || {
        log().contains("classification rules changed")
    });
    produce(3);
    consumer.terminate();
    let of = |country: &str, category: &str| {
        place.count(&format!(
            "SELECT count() FROM usage_events WHERE country = '{country}' AND category = '{category}'"
        ))
    };
    assert_eq!((of("IT", "tributi"), of("FR", "imposte")), (2, 1));
    place.run(&["audit"]);
}
