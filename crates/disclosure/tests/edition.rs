//! An edition of generated figures: no small count can be derived, and the catalogue is valid.

use affluenza_disclosure::edition::{OpenYear, Outcome, PublicYear, offered};
use affluenza_disclosure::open_data::{Config, Edition, Published};
use affluenza_disclosure::{Secret, Threshold};
use affluenza_register::Register;
use affluenza_store::figures::{MonthUse, WeekHourUse};
use affluenza_store::open::{OpenFigures, UseRow};
use jiff::civil::date;
use serde_json::Value;

const REGISTER: &str = include_str!("../../../deploy/register.toml");

fn edition() -> Edition {
    let use_of = |ente: &str, category: &str, kind: &str, service: &str, service_uses| UseRow {
        ente: ente.to_owned(),
        category: category.to_owned(),
        kind: kind.to_owned(),
        service: service.to_owned(),
        service_uses,
    };
    let month = |month, device: &str, accesses, service_uses| MonthUse {
        ente: "c_d612".to_owned(),
        month,
        device: device.to_owned(),
        portal_kind: "services".to_owned(),
        accesses,
        service_uses,
    };
    let week = |weekday, band: &str, local_hour, accesses, service_uses| WeekHourUse {
        weekday,
        band: band.to_owned(),
        local_hour,
        accesses,
        service_uses,
    };
    let figures = OpenFigures {
        uses: vec![
            use_of("c_d612", "tributi", "plain", "imu", 900),
            use_of("c_d612", "lavoro", "plain", "suap", 2),
            use_of("c_d612", "lavoro", "payment", "suap", 40),
            use_of("c_d612", "tributi", "payment", "imu", 70),
        ],
        months: vec![
            month(1, "desktop", 50, 902),
            month(2, "desktop", 0, 110),
            month(1, "tablet", 1, 0),
        ],
        week: vec![week(1, "office", 9, 50, 1010), week(7, "evening", 23, 1, 2)],
        ..OpenFigures::default()
    };
    let register = Register::parse(REGISTER).expect("the register is right");
    let publisher = Config {
        publisher: "Ente di prova".to_owned(),
        publisher_ipa: "c_prova".to_owned(),
        contact: "dati@example.it".to_owned(),
        base_url: "https://dati.example.it/affluenza/".to_owned(),
    };
    let publisher = publisher.publisher().expect("all is given");
    let offered = offered(&register, 2017);
    let year = OpenYear {
        year: 2017,
        figures: &figures,
        offered: &offered,
        months: &[],
    };
    let decided = Outcome::decide(year, Threshold { k: 3 }, &Secret([1; 32]), &[]);
    let Ok(Outcome::Edition(decided)) = decided else {
        panic!("it can be protected: {decided:?}");
    };
    let public = PublicYear::of(2017, &figures, &decided).expect("they agree");
    let year = Published {
        public: &public,
        modified: date(2018, 1, 31),
    };
    Edition::build(&[year], &register, &publisher)
}

#[test]
fn a_small_count_is_in_no_file() {
    for file in edition()
        .files
        .iter()
        .filter(|file| file.name.ends_with(".csv"))
    {
        let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
        let header = reader.headers().expect("a header").clone();
        let figure = header.len() - 2;
        let mut rows = 0;
        for row in reader.records() {
            let row = row.expect("a row");
            rows += 1;
            let hidden = &row[figure + 1] == "suppressed";
            assert_eq!(row[figure].is_empty(), hidden, "{}: {row:?}", file.name);
            assert!(
                hidden || row[figure].parse::<u64>().expect("a count") > 2,
                "{}: {row:?}",
                file.name
            );
        }
        assert!(rows > 0, "{} has rows", file.name);
    }
}

#[test]
fn the_catalogue_has_what_the_profile_demands() {
    let edition = edition();
    let file = edition.files.last().expect("a catalogue");
    assert_eq!(file.name, "catalog.jsonld");
    let catalogue: Value = serde_json::from_slice(&file.bytes).expect("JSON");
    has(
        &catalogue,
        "dcatapit:Catalog",
        &[
            "dct:title",
            "dct:description",
            "dct:publisher",
            "dct:modified",
            "dcat:dataset",
        ],
    );
    has(
        &catalogue["dct:publisher"],
        "dcatapit:Agent",
        &["foaf:name", "dct:identifier"],
    );
    let datasets = catalogue["dcat:dataset"].as_array().expect("datasets");
    assert_eq!(datasets.len(), edition.files.len() - 1);
    for dataset in datasets {
        let demanded = [
            "dct:title",
            "dct:description",
            "dct:identifier",
            "dct:modified",
            "dcat:theme",
            "dct:rightsHolder",
            "dct:accrualPeriodicity",
            "dcat:distribution",
        ];
        has(dataset, "dcatapit:Dataset", &demanded);
        assert!(
            id(&dataset["dcat:theme"])
                .starts_with("http://publications.europa.eu/resource/authority/data-theme/")
        );
        assert!(
            id(&dataset["dct:accrualPeriodicity"])
                .starts_with("http://publications.europa.eu/resource/authority/frequency/")
        );
        has(
            &dataset["dct:rightsHolder"],
            "dcatapit:Agent",
            &["foaf:name", "dct:identifier"],
        );
        assert_eq!(dataset["dct:rightsHolder"]["dct:identifier"], "c_prova");
        assert!(
            dataset["dct:identifier"]
                .as_str()
                .expect("text")
                .starts_with("c_prova:")
        );
        assert_eq!(dataset["dct:modified"]["@value"], "2018-01-31");
        for distribution in dataset["dcat:distribution"]
            .as_array()
            .expect("distributions")
        {
            has(
                distribution,
                "dcatapit:Distribution",
                &["dct:format", "dct:license", "dcat:accessURL"],
            );
            assert!(id(&distribution["dct:format"]).ends_with("/file-type/CSV"));
            let licence = &distribution["dct:license"];
            has(
                licence,
                "dcatapit:LicenseDocument",
                &["dct:type", "foaf:name"],
            );
            assert!(id(licence).contains("/controlled-vocabulary/licences/"));
            let name = id(&distribution["dcat:accessURL"])
                .rsplit('/')
                .next()
                .expect("a name");
            let file = edition
                .files
                .iter()
                .find(|file| file.name == name)
                .expect("the file is there");
            assert_eq!(
                distribution["dcat:byteSize"]["@value"],
                file.bytes.len().to_string()
            );
        }
    }
    // Every prefix must be bound; without a binding its terms have no meaning.
    let text = String::from_utf8(file.bytes.clone()).expect("text");
    for prefix in [
        "dcat", "dcatapit", "dct", "foaf", "owl", "schema", "skos", "spdx", "vcard", "xsd",
    ] {
        assert!(
            catalogue["@context"][prefix].is_string() && text.contains(&format!("\"{prefix}:")),
            "{prefix}"
        );
    }
}

fn has(of: &Value, class: &str, properties: &[&str]) {
    let classes = of["@type"].as_array().expect("classes");
    assert!(classes.iter().any(|one| one == class), "{of} is no {class}");
    for property in properties {
        assert!(!of[property].is_null(), "{class} without {property}");
    }
}

fn id(of: &Value) -> &str {
    of["@id"].as_str().expect("an address")
}

/// `make dcat-check` validates this example by the shapes of the profile.
#[test]
fn the_example_is_what_is_published() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../schemas/examples/open-data-catalog.jsonld"
    );
    let made = edition().files.pop().expect("a catalogue").bytes;
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(file, &made).expect("it can be written");
    }
    let written = std::fs::read(file).expect("it is there");
    assert!(written == made, "run the tests once with UPDATE_SCHEMAS=1");
}

#[test]
fn what_is_not_configured_is_named() {
    let problem = Config::default()
        .publisher()
        .expect_err("nothing is given")
        .to_string();
    for setting in [
        "open_data.publisher,",
        "open_data.publisher_ipa",
        "open_data.contact",
        "open_data.base_url",
    ] {
        assert!(problem.contains(setting), "{problem}");
    }
}
