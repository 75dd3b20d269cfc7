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
    for (from, to, expected) in [
        (
            "2017,tributi,50",
            "2017,tributi,5O",
            "usage_by_category.csv, line 3: service_uses is \"5O\": write a whole number, without separators",
        ),
        (
            "2017,tributi,50,5,0",
            "2017,tributi,50",
            "usage_by_category.csv, line 3: 3 fields where the header has 5: write comma-separated values",
        ),
        (
            "year,category,service_uses,",
            "anno,category,service_uses,",
            "usage_by_category.csv, line 1: there is no column year in \"anno,category,",
        ),
        (
            "2017,tributi",
            "2017,anagrafe",
            "usage_by_category.csv, line 3: category \"anagrafe\" of 2017 is there twice",
        ),
        (
            "100,10,20",
            "100,90,20",
            "usage_by_category.csv, line 2: payments and bookings of \"anagrafe\" exceed its 100 uses",
        ),
        (
            "2017,tributi",
            "2017,tribute",
            "usage_2017_by_ente.csv, line 4: category \"tributi\" is not in usage_by_category.csv of 2017: add it there, or correct it here",
        ),
        (
            "tributi,plain,45",
            "tributi,plain,44",
            "usage_2017_by_ente.csv: the plain uses of \"tributi\" add up to 44, but usage_by_category.csv, line 3, says 45: correct one of the two files",
        ),
        (
            "anagrafe,payment,10",
            "anagrafe,payment,11",
            "the payments of \"anagrafe\" add up to 11, but usage_by_category.csv, line 2, says 10",
        ),
        (
            ",,booking,20",
            ",,booking,21",
            "usage_2017_by_ente.csv: the bookings without a category add up to 21, but usage_by_category.csv of 2017 leaves 20 for them",
        ),
        (
            "firenze,tributi,plain",
            "firenze,,plain",
            "usage_2017_by_ente.csv, line 4: plain uses without a category: fill the category in",
        ),
        (
            "tributi,payment",
            "tributi,paid",
            "usage_2017_by_ente.csv, line 5: kind is \"paid\": write plain, payment or booking",
        ),
        (
            "firenze,tributi,payment",
            "firenze,tributi,plain",
            "usage_2017_by_ente.csv, line 5: the same ente, category and kind are on line 4",
        ),
        (
            "firenze,tributi,plain",
            "atlantide,tributi,plain",
            "usage_2017_by_ente.csv, line 4: ente \"atlantide\" is not in the register: add it or an alias for it",
        ),
        (
            "desktop_share_percent,61",
            "desktop_share_percent,60",
            "access_2017.csv, line 2: desktops have 60% and smartphones and tablets 39%: make them add up to 100",
        ),
        (
            "share_percent,27",
            "share_percent,28",
            "access_2017.csv, line 4: 28% of the accesses between 18 and 08, but the bands give 27.0%",
        ),
        (
            "hour_08_18",
            "hour_09_18",
            "access_2017.csv: the bands of mean_users_per_hour_HH_HH do not cover the day",
        ),
        (
            "desktop_share",
            "laptop_share",
            "access_2017.csv, line 2: measure \"laptop_share_percent\" is not known",
        ),
        (
            "hour_00_08,16",
            "hour_00_08,-16",
            "access_2017.csv, line 5: value is -16: write a number from 0 up",
        ),
        (
            "Dichiarazione TARI",
            "Dichiarazione TARU",
            "main_variations_2017.csv, line 2: service \"Dichiarazione TARU\" is not in the register",
        ),
        (
            "TARI,5,",
            "TARI,5,gone",
            "main_variations_2017.csv, line 2: status is \"gone\": write new, retired or nothing",
        ),
    ] {
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
