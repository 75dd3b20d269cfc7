//! Tests of a register in several files, TOML and CSV.

use std::collections::BTreeMap;

use affluenza_register::{Register, RegisterErrors};
use jiff::civil::date;
use proptest::prelude::*;

const MAIN: &str = r#"
[files]
registers = ["services.toml"]
enti = ["enti.csv"]
portals = ["portals.csv"]
deployments = ["deployments.csv"]

[[category]]
code = "tributi"
name_it = "Tributi"
name_en = "Local taxes"
"#;
const SERVICES: &str = r#"
[[service]]
code = "imu"
name_it = "IMU"
category = "tributi"

[[service]]
code = "tari"
name_it = "TARI"
category = "tributi"
"#;
/// As an Italian spreadsheet exports it: byte order mark, semicolons, CRLF, numbers without leading
/// zeros, days first, and empty lines at the end.
const ENTI: &str = "\u{feff}code;name;kind;istat;belfiore;zone;inhabitants;inhabitants_year;inhabitants_source;members;aliases;valid_from;valid_to;successor;patron;desk\r\n\
c_d612;Firenze;comune;48017;D612;;360930;2024;Istat;;Fiorenza|Florence;;;;06-24;mo-fr 08:30-12:30\r\n\
c_old;\"Vecchio; il\";comune;;;;;;;;;;01/02/2019;c_d612;;\r\n\
;;;;;;;;;;;;;;;\r\n";
const PORTALS: &str = "code,name,ente,source,kind\nwww,Servizi,c_d612,https://a.example,services\nwww,Servizi,c_old,https://b.example,\n";
const DEPLOYMENTS: &str = "ente\tservice\tvalid_from\tvalid_to\tnature\nc_d612\timu\t2017-03-01\t\tpayment\nc_d612\ttari\t\t2018-01-01\t\nc_d612\ttari\t01/06/2018\t\tbooking\nc_old\timu\t\t\t\n";

/// One file with the content of the tables above.
const ONE: &str = r#"
[[ente]]
code = "c_d612"
name = "Firenze"
kind = "comune"
istat = "048017"
belfiore = "D612"
population = { inhabitants = 360930, year = 2024, source = "Istat" }
aliases = ["Fiorenza", "Florence"]
patron = "06-24"
desk = "mo-fr 08:30-12:30"

[[ente]]
code = "c_old"
name = "Vecchio; il"
kind = "comune"
valid_to = 2019-02-01
successor = "c_d612"

[[portal]]
code = "www"
name = "Servizi"
ente = "c_d612"
source = "https://a.example"
kind = "services"

[[portal]]
code = "www"
name = "Servizi"
ente = "c_old"
source = "https://b.example"

[deployments.c_d612]
imu = { valid_from = 2017-03-01, nature = "payment" }
tari = [{ valid_to = 2018-01-01 }, { valid_from = 2018-06-01, nature = "booking" }]

[deployments.c_old]
imu = {}
"#;

fn files() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("services.toml", SERVICES.to_owned()),
        ("enti.csv", ENTI.to_owned()),
        ("portals.csv", PORTALS.to_owned()),
        ("deployments.csv", DEPLOYMENTS.to_owned()),
    ])
}

fn read(files: &BTreeMap<&str, String>) -> Result<Register, RegisterErrors> {
    Register::read(MAIN, |name| {
        let text = files.get(name).cloned();
        text.ok_or_else(|| "no such file".to_owned())
    })
}

#[test]
fn several_files_are_the_same_register_as_one() {
    let several = read(&files()).unwrap();
    let one = MAIN.split_once("[[category]]").unwrap().1;
    let one = Register::parse(&format!("[[category]]{one}{SERVICES}{ONE}")).unwrap();
    assert_eq!(several.version(), one.version());
    let (ente, tari) = (several.ente("florence"), several.service("tari"));
    let (ente, tari) = (ente.unwrap(), tari.unwrap());
    assert!(!several.deployed(ente, tari, date(2018, 5, 31)));
    assert!(several.deployed(ente, tari, date(2018, 6, 1)));
    assert_eq!(several.deployments_of(ente).count(), 3);
}

#[test]
fn each_fault_names_file_line_field_and_remedy() {
    let enti = |from: &str, to: &str| ("enti.csv", ENTI.replacen(from, to, 1));
    let deployments = |from: &str, to: &str| ("deployments.csv", DEPLOYMENTS.replacen(from, to, 1));
    for ((file, text), expected) in [
        (
            enti("360930", "360.930"),
            "enti.csv, line 2: ente \"c_d612\": inhabitants is \"360.930\": write a whole number",
        ),
        (
            enti("01/02/2019", "1 feb"),
            "enti.csv, line 3: ente \"c_old\": valid_to is 1 feb: write a date",
        ),
        (
            enti("01/02/2019", "31/02/2019"),
            "enti.csv, line 3: ente \"c_old\": valid_to is 31/02/2019: write a date",
        ),
        (
            enti("mo-fr", "\"mo-fr"),
            "enti.csv, line 2: desk has a line break",
        ),
        (
            enti("Fiorenza|", "Fiorenza, "),
            "enti.csv, line 2: ente \"c_d612\": aliases is \"Fiorenza, Florence\": put '|'",
        ),
        (
            enti("360930", ""),
            "enti.csv, line 2: ente \"c_d612\": missing field `inhabitants`",
        ),
        (
            enti("\"Vecchio; il\"", "Vecchio; il"),
            "enti.csv, line 3: ente \"c_old\": it has 17 fields, but the first line has 16: put quotes",
        ),
        (
            enti("comune;48017", "village;48017"),
            "enti.csv, line 2: ente \"c_d612\": unknown variant `village`, expected one of `comune`",
        ),
        (
            enti(";kind;", ";tipo;"),
            "enti.csv, line 1: column \"tipo\" is unknown or appears twice: possible columns are code, name, kind,",
        ),
        (
            enti(";kind;", ";tipo;"),
            "enti.csv, line 1: column \"kind\" is missing",
        ),
        (
            enti("2024", ""),
            "enti.csv, line 2: ente \"c_d612\": missing field `year`",
        ),
        (
            deployments("c_old\timu", "c_olt\timu"),
            "deployments.csv, line 5: deployments \"c_olt.imu\": ente \"c_olt\" does not exist",
        ),
        (
            deployments("payment", "gift"),
            "deployments.csv, line 2: deployments \"c_d612.imu\": unknown variant `gift`",
        ),
        (
            deployments("01/06/2018", "01/06/2017"),
            "deployments.csv, line 4: deployments \"c_d612.tari\": two periods overlap on 2017-06-01",
        ),
        (
            deployments("c_old\timu", "c_d612\timu"),
            "deployments.csv, line 2: deployments \"c_d612.imu\": two periods overlap on 2017-03-01",
        ),
        (
            (
                "services.toml",
                format!("{SERVICES}[files]\nenti = [\"more.csv\"]\n"),
            ),
            "services.toml, line 12: only the first file of the register may have [files]",
        ),
        (
            ("services.toml", format!("{SERVICES}[[")),
            "services.toml, line 11: ",
        ),
        (
            ("portals.csv", PORTALS.replace("b.example", "a.example")),
            "portals.csv, line 3: portal \"www\": \"https://a.example\" already names \"c_d612.www\"",
        ),
        (
            (
                "portals.csv",
                PORTALS.replace("c_old,https", "c_d612,https"),
            ),
            "portals.csv, line 3: portal \"www\": \"www\" already names \"c_d612.www\"",
        ),
    ] {
        let mut files = files();
        files.insert(file, text);
        let found = read(&files).expect_err(expected).to_string();
        assert!(
            found.lines().any(|line| line.starts_with(expected)),
            "expected {expected:?} in\n{found}"
        );
        assert!(found.lines().count() <= 2, "{found}");
    }
}

#[test]
fn a_file_is_named_once() {
    let main = MAIN.replace("[\"enti.csv\"]", "[\"enti.csv\", \"./enti.csv\"]");
    let files = files();
    let errors = Register::read(&main, |name| Ok(files[name].clone())).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "line 4: \"./enti.csv\" is named twice under [files]: remove one"
    );
}

#[test]
fn a_missing_file_is_named_where_it_is_named() {
    let mut files = files();
    files.remove("portals.csv");
    let errors = read(&files).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "line 5: \"portals.csv\" cannot be read: no such file: names under [files] are relative to the folder of this file"
    );
}

proptest! {
    #[test]
    fn no_damage_to_a_table_makes_it_panic(
        name in prop::sample::select(vec!["enti.csv", "portals.csv", "deployments.csv"]),
        at in 0usize..1000,
        text in "(\\PC|[;,\"\r\n\t|/-]){0,20}",
    ) {
        let mut files = files();
        let damaged = files.get_mut(name).unwrap();
        let at = damaged.floor_char_boundary(at % damaged.len());
        damaged.insert_str(at, &text);
        if let Err(errors) = read(&files) {
            prop_assert!(!errors.problems().is_empty());
            prop_assert!(errors.problems().iter().all(|it| it.line.is_some()), "{errors}");
        }
    }
}
