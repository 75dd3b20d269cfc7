//! Tests errors in folders of figures: one line each, with position, cause and remedy.

use affluenza_simulator::{Options, Simulation, TargetFigures};

use crate::recount::register;

const BY_CATEGORY: &str = "year,category,service_uses,of_which_payments,of_which_bookings\n\
    2017,anagrafe,100,10,20\n\
    2017,tributi,50,5,0\n";
const BY_ENTE: &str = "ente,category,kind,service_uses\n\
    firenze,anagrafe,plain,70\n\
    firenze,anagrafe,payment,10\n\
    firenze,tributi,plain,45\n\
    firenze,tributi,payment,5\n\
    firenze,,booking,20\n";
const ACCESS: &str = "measure,value\n\
    desktop_share_percent,61\n\
    smartphone_and_tablet_share_percent,39\n\
    accesses_18_to_08_share_percent,27\n\
    mean_users_per_hour_00_08,16\n\
    mean_users_per_hour_08_18,176\n\
    mean_users_per_hour_18_24,87\n";
const VARIATIONS: &str = "category,service_it,change,status\n\
    tributi,Dichiarazione TARI,5,\n";

/// Replaces `from` by `to` in a folder of figures and returns the error.
fn error_with(from: &str, to: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut found = false;
    for (name, text) in [
        ("usage_by_category.csv", BY_CATEGORY),
        ("usage_2017_by_ente.csv", BY_ENTE),
        ("access_2017.csv", ACCESS),
        ("main_variations_2017.csv", VARIATIONS),
    ] {
        found |= text.contains(from);
        std::fs::write(dir.path().join(name), text.replacen(from, to, 1)).unwrap();
    }
    assert!(found, "{from}");
    match TargetFigures::from_dir(dir.path(), 2017) {
        Err(error) => error.to_string(),
        Ok(figures) => Simulation::new(&figures, &register(), &Options::default())
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default(),
    }
}

#[test]
fn a_good_folder_has_no_error() {
    assert_eq!(error_with("2017", "2017"), "");
}

#[test]
fn each_mistake_is_one_line_with_place_cause_and_remedy() {
    for line in include_str!("mistakes.tsv").lines().skip(1) {
        let fields: Vec<_> = line.split('\t').collect();
        let [from, to, expected] = fields[..].try_into().unwrap();
        let error = error_with(from, to);
        assert!(error.contains(expected), "{to}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_missing_file_or_year_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = TargetFigures::from_dir(dir.path(), 2017)
        .unwrap_err()
        .to_string();
    let expected = "usage_by_category.csv: the file is missing: write one with the columns";
    assert!(error.starts_with(expected), "{error}");

    std::fs::write(dir.path().join("usage_by_category.csv"), BY_CATEGORY).unwrap();
    let error = TargetFigures::from_dir(dir.path(), 2018)
        .unwrap_err()
        .to_string();
    assert!(error.contains("it has no line of 2018"), "{error}");
    assert!(error.contains("(2017)"), "{error}");

    std::fs::remove_file(dir.path().join("usage_by_category.csv")).unwrap();
    std::fs::create_dir(dir.path().join("usage_by_category.csv")).unwrap();
    let error = TargetFigures::from_dir(dir.path(), 2017)
        .unwrap_err()
        .to_string();
    assert!(error.contains("it cannot be read"), "{error}");
}
