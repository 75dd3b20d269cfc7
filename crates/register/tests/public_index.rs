//! Tests of the import from the public index of bodies.

use affluenza_register::Register;
use affluenza_register::public_index::{ImportedEnti, Residents, import_enti};

const INDEX: &str = include_str!("fixtures/public_index/enti.csv");
const RESIDENTS: &str = include_str!("fixtures/public_index/residents.csv");

fn doubts(imported: &ImportedEnti) -> Vec<String> {
    imported.doubts.iter().map(ToString::to_string).collect()
}

#[test]
fn the_index_becomes_a_table_of_enti() {
    let residents = Residents::read(RESIDENTS, 2024).unwrap();
    let imported = import_enti(INDEX, Some(&residents), &[]).unwrap();
    assert_eq!(
        imported.csv,
        "code,name,kind,istat,belfiore,inhabitants,inhabitants_year,inhabitants_source\n\
         c_b036,Borgo San Lorenzo,comune,048004,B036,18200,2024,Istat\n\
         c_d612,Firenze,comune,048017,D612,360930,2024,Istat\n\
         c_g702,Pisa,comune,050026,G702,,,\n\
         cmfi,Citta' Metropolitana di Firenze,citta-metropolitana,,,,,\n\
         ucmm,Unione Montana dei Comuni del Mugello,unione,,,,,\n"
    );
    assert_eq!(imported.enti, 5);
    assert_eq!(
        doubts(&imported),
        [
            "line 4: cdbsl: Istat code 048004 is that of c_b036: left out",
            "line 5: cpdm: legal form 2810, which is not that of a comune: left out",
            "line 9: c_g702: no residents for Istat code \"050026\": imported without them",
            "line 10: \"c h501\" is no code for the register: left out",
        ]
    );
    let others: Vec<_> = imported.other_categories.into_iter().collect();
    assert_eq!(others, [("L33".to_owned(), 1)]);

    let csv = imported.csv;
    let register = Register::read("[files]\nenti = [\"e\"]", |_| Ok(csv.clone())).unwrap();
    let firenze = register.ente("048017").unwrap();
    let population = firenze.population().unwrap();
    assert_eq!(population.inhabitants, 360_930);
    assert_eq!(population.source.as_deref(), Some("Istat"));
}

#[test]
fn a_province_is_read_alone() {
    let imported = import_enti(INDEX, None, &["050".to_owned()]).unwrap();
    assert_eq!(imported.enti, 1);
    assert!(imported.csv.contains("c_g702,Pisa,comune,050026,G702,,"));
    assert!(imported.doubts.is_empty());
}

#[test]
fn a_spreadsheet_may_have_saved_the_index() {
    let saved = INDEX.replace(",048", ",48").replace('\n', "\r\n");
    assert_ne!(saved, INDEX);
    let (plain, saved) = (
        import_enti(INDEX, None, &[]),
        import_enti(&saved, None, &[]),
    );
    assert_eq!(plain.unwrap(), saved.unwrap());
}

#[test]
fn another_file_is_refused_with_the_column_it_lacks() {
    let refused = import_enti(RESIDENTS, None, &[]).unwrap_err().to_string();
    assert!(
        refused.starts_with("there is no column \"Codice_IPA\": take the data set"),
        "{refused}"
    );
    let refused = Residents::read(INDEX, 2024).unwrap_err().to_string();
    assert!(
        refused.starts_with("there is no column \"Codice comune\""),
        "{refused}"
    );
}
