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
fn residents_that_are_not_clear_are_refused() {
    let table = "Codice comune;Comune;Età;Totale\n048017;F;999;360930\n";
    for (text, refusal) in [
        (
            format!("{table}048017;F;999;188900\n"),
            "line 3: Istat code 048017 has 188900 residents, but 360930 further up: keep",
        ),
        (
            table.replace("Età", "Age") + "048017;F;0;77\n",
            "line 3: Istat code 048017 has 77 residents, but 360930 further up: keep",
        ),
        (
            format!("Foreigners\n{table}48004.0;\"B;999;18200\n058091;R;999;1\n"),
            "line 4: a field has a line break: close its quotes",
        ),
        (
            table.replace("360930", "360.930"),
            "line 2: \"360.930\" is no number of residents: write digits only",
        ),
        (
            format!("Popolazione al 1° gennaio 2019\n{table}"),
            "the title names the year 2019, not 2024: give the year of the file",
        ),
    ] {
        let refused = Residents::read(&text, 2024).unwrap_err().to_string();
        assert!(refused.starts_with(refusal), "{refused}");
    }
}

#[test]
fn residents_are_read_in_every_spelling_of_a_spreadsheet() {
    for table in [
        RESIDENTS.replace("Età", "Eta'"),
        RESIDENTS.replace("Età", "Eta\u{300}"),
        RESIDENTS.replace(";999;", ";Totale;"),
        RESIDENTS.replace("\"048017\"", "48017.0"),
        RESIDENTS.replace("\"048017\"", "=\"048017\""),
    ] {
        assert_ne!(table, RESIDENTS);
        let read = |text| import_enti(INDEX, Some(&Residents::read(text, 2024).unwrap()), &[]);
        assert_eq!(read(&table).unwrap(), read(RESIDENTS).unwrap());
    }
}

/// Returns an index with these rows: code, name, category, legal form, in liquidation, Istat code.
fn index(rows: &[[&str; 6]]) -> String {
    let mut text = "Codice_IPA,Denominazione_ente,Codice_Categoria,Codice_natura,\
                    Ente_in_liquidazione,Codice_comune_ISTAT,Codice_catastale_comune\n"
        .to_owned();
    for row in rows {
        text += &format!("{},\n", row.join(","));
    }
    text
}

#[test]
fn an_index_that_would_lose_bodies_is_refused() {
    let comune = ["c_d612", "Comune di Firenze", "L6", "2430", "N", "048017"];
    let open = ["c_b036", "\"Comune di Borgo", "L6", "2430", "N", "048004"];
    let closed = ["c_g702", "\"Comune di Pisa\"", "L6", "2430", "N", "050026"];
    for (text, province, refusal) in [
        (
            index(&[comune, open, comune, closed]),
            None,
            "line 3: a field has a line break: close its quotes",
        ),
        (
            index(&[open, comune]),
            None,
            "line 2 has 2 fields, but the first line has 7: close its quotes, or take",
        ),
        (index(&[]), None, "no comune, unione or citta-metropolitana"),
        (
            index(&[comune]),
            Some("48"),
            "no body has an Istat code that begins with \"48\"",
        ),
    ] {
        let provinces: Vec<String> = province.into_iter().map(str::to_owned).collect();
        let refused = import_enti(&text, None, &provinces).unwrap_err();
        assert!(refused.to_string().starts_with(refusal), "{refused}");
    }
}

#[test]
fn a_doubtful_body_is_named() {
    let rows = [
        [
            "c_d612",
            "\"Comune  di\nFirenze\"",
            "L6",
            "2430",
            "S",
            "48017.0",
        ],
        ["cbm", "Consorzio di bonifica", "L18", "2810", "N", "048004"],
        ["c_d612", "Comune di Firenze", "L6", "2430", "N", "048099"],
    ];
    let imported = import_enti(&index(&rows), None, &[]).unwrap();
    let (_, table) = imported.csv.split_once('\n').unwrap();
    assert_eq!(table, "c_d612,Firenze,comune,048017,,,,\n");
    assert_eq!(
        doubts(&imported),
        [
            "line 2: c_d612: in liquidation: imported, without a last day",
            "line 4: cbm: legal form 2810, which is not that of a unione: left out",
            "line 5: c_d612 is in line 2, too: left out",
        ]
    );
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
