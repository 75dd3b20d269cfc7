//! Unusual years in every form: no events, a single event, a leap year, and hostile names.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use affluenza_report::document::{Block, Centre, Document};
use affluenza_report::face::{Accreditation, CentreFace};
use affluenza_report::print::{Separators, csv, html, ods, pdf, slides, xlsx};
use affluenza_report::{Report, ReportPeriod, ReportRequest};
use affluenza_store::figures::{
    BandUse, Counted, DeviceUse, HourUse, ServiceUse, UsageCell, YearFigures,
};
use affluenza_words::Language;
use calamine::{Ods, Reader, Xlsx};

const REGISTER: &str = r#"
    category = [{ code = "anagrafe", name_it = "Anagrafe", name_en = "Registry" }]
    ente = [{ code = "c_a", name = "Alfa", kind = "comune" }]
    service = [{ code = "certificati", name_it = "Certificati", name_en = "Certificates", category = "anagrafe" }]
    [deployments.c_a]
    certificati = {}
"#;

fn document(register: &str, year: i16, figures: &YearFigures, language: Language) -> Document {
    let register = Register::parse(register).expect("the register is right");
    let question = ReportRequest {
        period: ReportPeriod::of_year(year),
        counted: Counted::People,
        ente: None,
        register: &register,
        zones: &[Zone::default()],
    };
    let report = Report::build(&question, figures, None);
    Document::new(&report, language)
}

/// One use of a service, at nine in the morning.
fn one_event() -> YearFigures {
    YearFigures {
        months_in_doubt: Vec::new(),
        usage: vec![UsageCell {
            ente: "c_a".into(),
            category: "anagrafe".into(),
            kind: "plain".into(),
            service_uses: 1,
        }],
        services: vec![ServiceUse {
            service: "certificati".into(),
            category: "anagrafe".into(),
            service_uses: 1,
            enti: 1,
        }],
        devices: vec![DeviceUse {
            device: "desktop".into(),
            accesses: 0,
            service_uses: 1,
        }],
        bands: vec![BandUse {
            band: "office".into(),
            users_hours: 1,
            accesses: 0,
        }],
        hours: vec![HourUse {
            local_hour: 9,
            users_hours: 1,
            accesses: 0,
        }],
        ..YearFigures::default()
    }
}

/// Prints every form twice, and returns the HTML page.
fn printed(document: &Document) -> String {
    let paper = pdf(document).expect("it is printed");
    assert!(paper.starts_with(b"%PDF-1.7"));
    assert!(
        paper == pdf(document).expect("it is printed"),
        "the same bytes"
    );
    let slides = [(); 2].map(|()| slides(document).expect("it is printed"));
    assert!(slides[0].starts_with(b"%PDF-1.7"));
    assert!(slides[0] == slides[1], "the same bytes");
    let book = xlsx(document).expect("it is printed");
    assert!(
        book == xlsx(document).expect("it is printed"),
        "the same bytes"
    );
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(book)).expect("it is a workbook");
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    let tables = blocks
        .filter(|block| matches!(block, Block::Table(_)))
        .count();
    assert!(
        book.sheet_names().len() > tables,
        "the contents, then a sheet for each table"
    );
    let sheet = ods(document).expect("it is printed");
    assert!(sheet == ods(document).expect("it is printed"));
    let mut sheet: Ods<_> = Ods::new(Cursor::new(sheet)).expect("it is a spreadsheet");
    assert_eq!(sheet.sheet_names(), book.sheet_names());
    for name in book.sheet_names() {
        let one = sheet.worksheet_range(&name).expect("it is there");
        let other = book.worksheet_range(&name).expect("it is there");
        let [one, other] = [one, other].map(|sheet| -> Vec<String> {
            let cells = sheet.used_cells().map(|(_, _, cell)| cell.to_string());
            cells.collect()
        });
        assert_eq!(one, other, "{name}");
    }
    for separators in [Separators::Comma, Separators::Italian] {
        csv(document, separators).expect("it is printed");
    }
    html(document).expect("it is printed")
}

#[test]
fn names_of_a_workbook_have_codes_and_totals_are_formulas() {
    let book = xlsx(&document(REGISTER, 2019, &one_event(), Language::IT)).expect("it is printed");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(book)).expect("it is a workbook");
    let sheet = "Utilizzi per categoria";
    let range = book.worksheet_range(sheet).expect("it is there");
    let text = |at: (u32, u32)| range.get_value(at).map(ToString::to_string);
    let heads = [(2, 0), (2, 1), (3, 0), (3, 1)].map(text);
    let expected = ["Categoria", "Codice categoria", "Anagrafe", "anagrafe"];
    assert_eq!(heads, expected.map(|text| Some(text.to_owned())));
    let formulas = book.worksheet_formula(sheet).expect("it has formulas");
    let total = formulas.used_cells().map(|(_, _, formula)| formula.clone());
    let total: Vec<String> = total.collect();
    assert!(total.contains(&"SUM(F4:F4)".to_owned()), "{total:?}");
}

#[test]
fn a_line_of_csv_has_names_codes_and_its_part() {
    let document = document(REGISTER, 2019, &one_event(), Language::EN);
    let lines = csv(&document, Separators::Comma).expect("it is printed");
    for line in [
        "2019,provisional,Portals of 1 public body,categories,categories,row,,,anagrafe,Registry,,,,,total,Total,count,1,",
        "2019,provisional,Portals of 1 public body,categories,categories,total,,,,,,,Total,,total,Total,count,1,",
        "2019,provisional,Portals of 1 public body,usage,usage,row,c_a,Alfa,anagrafe,Registry,,,,,in-category,Registry,count,1,",
    ] {
        assert!(
            lines.lines().any(|found| found == line),
            "{line} is not in {lines}"
        );
    }
    let italian = csv(&document, Separators::Italian).expect("it is printed");
    let head = "periodo;edizione;soggetto;sezione;tabella;parte;codice_ente;ente;";
    assert!(
        italian.trim_start_matches('\u{feff}').starts_with(head),
        "{italian}"
    );
    assert!(
        italian.contains(";provvisoria;") && italian.contains(";numero;1;"),
        "{italian}"
    );
}

#[test]
fn a_year_without_data() {
    for (language, said) in [
        (Language::IT, "Nessun dato per il 2019."),
        (Language::EN, "No data for 2019."),
    ] {
        let page = printed(&document(REGISTER, 2019, &YearFigures::default(), language));
        assert!(!page.contains("NaN"));
        assert!(page.contains(said), "{page}");
    }
}

#[test]
fn a_year_of_one_event() {
    for language in [Language::IT, Language::EN] {
        let page = printed(&document(REGISTER, 2019, &one_event(), language));
        assert!(!page.contains("NaN") && !page.contains("inf%"), "{page}");
    }
}

#[test]
fn logos_colours_and_comments_are_in_every_form() {
    let fixture = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(name)
    };
    let text = "Grazie a **tutti**.\n\n- [Dati](https://dati.example.it)";
    let centre = Centre {
        name: "Centro".into(),
        logo: fixture("logo.svg"),
        colour: "#7a1f5c".into(),
        accreditations: vec![Accreditation {
            file: fixture("logo.png"),
            name: "Qualificazione <1>".into(),
        }],
        closing: BTreeMap::from([("it".to_owned(), text.to_owned())]),
        ..Centre::default()
    };
    assert_eq!(centre.problems(), Vec::<String>::new());
    let face = CentreFace::load(centre).expect("the logos are right");
    let document = document(REGISTER, 2019, &one_event(), Language::IT).of_centre(&face);
    let page = printed(&document);
    for part in [
        "src=\"data:image/svg+xml;base64,",
        "alt=\"Centro\"",
        "alt=\"Qualificazione &lt;1&gt;\"",
        "--accent: #7a1f5c",
        "Grazie a <strong>tutti</strong>.",
        "<a href=\"https://dati.example.it\">Dati</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let text = document.to_text(100);
    for part in [
        "Grazie a tutti.",
        "• Dati (https://dati.example.it)",
        "Qualificazione <1>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let paper = pdf(&document).expect("it is printed");
    // The pixels of the PNG are an image of the file.
    assert!(
        paper
            .windows(14)
            .any(|part| part == b"/Subtype/Image" || part == b"/Subtype /Imag")
    );
}

#[test]
fn hours_of_a_leap_year_are_8784() {
    for (year, hours) in [(2019, "3.650"), (2020, "3.660")] {
        // Office hours are ten hours a day.
        let page = printed(&document(REGISTER, year, &one_event(), Language::IT));
        assert!(page.contains(hours), "{year}");
    }
}

#[test]
fn a_register_without_anything() {
    printed(&document("", 2019, &YearFigures::default(), Language::IT));
}

#[test]
fn names_are_text_whatever_they_are() {
    let long = "Unione-montana-dei-comuni-".repeat(12);
    for name in [
        "<script>alert(1)</script>",
        "=HYPERLINK(1)",
        "市役所 Δήμος Ωραιοκάστρου",
        "Cittá d’Elsa · Žužemberk ő",
        "a\u{202e}b\u{0}c",
        &long,
    ] {
        let quoted = toml_text(name);
        let register = REGISTER.replace("\"Alfa\"", &quoted);
        let Ok(register) = Register::parse(&register).map(|_| register) else {
            continue;
        };
        let page = printed(&document(&register, 2019, &one_event(), Language::IT));
        assert!(!page.contains("<script>"), "{page}");
    }
}

fn toml_text(text: &str) -> String {
    let letters = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\u{:04x}", u32::from(letter)),
        letter => letter.to_string(),
    });
    format!("\"{}\"", letters.collect::<String>())
}
