//! Unusual years in every form: no events, a single event, a leap year, and hostile names.

use std::io::Cursor;

use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use affluenza_report::document::Document;
use affluenza_report::print::{Separators, csv, html, pdf, xlsx};
use affluenza_report::{Report, ReportPeriod, ReportRequest};
use affluenza_store::figures::{
    BandUse, Counted, DeviceUse, HourUse, ServiceUse, UsageCell, YearFigures,
};
use affluenza_words::Language;
use calamine::{Reader, Xlsx};

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
    let book = xlsx(document).expect("it is printed");
    assert!(
        book == xlsx(document).expect("it is printed"),
        "the same bytes"
    );
    let book: Xlsx<_> = Xlsx::new(Cursor::new(book)).expect("it is a workbook");
    let tables = document.sections.len();
    assert!(
        book.sheet_names().len() > tables,
        "the contents, then a sheet each"
    );
    for separators in [Separators::Comma, Separators::Italian] {
        csv(document, separators).expect("it is printed");
    }
    html(document).expect("it is printed")
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
