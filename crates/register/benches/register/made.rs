//! A made-up register of any size. The same size gives the same text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Services and categories of the made-up register.
const CATEGORIES: usize = 12;

/// Size of a made-up register.
#[derive(Clone, Copy)]
pub struct Size {
    pub enti: usize,
    pub services: usize,
    /// Deployments of each ente.
    pub deployments: usize,
}

/// Returns the register as one TOML text.
pub fn toml(size: Size) -> String {
    let mut text = services(size);
    for ente in 0..size.enti {
        let code = ente_code(ente);
        let _ = write!(
            text,
            "[[ente]]\ncode = \"{code}\"\nname = \"Comune {ente}\"\nkind = \"comune\"\nistat = \"{ente:06}\"\npopulation = {{ inhabitants = {}, year = 2024 }}\npatron = \"06-{:02}\"\n\n[[portal]]\ncode = \"servizi\"\nname = \"Servizi\"\nente = \"{code}\"\nsource = \"https://servizi.{code}.example\"\n\n",
            100 + ente * 7,
            1 + ente % 30,
        );
    }
    for ente in 0..size.enti {
        let _ = writeln!(text, "[deployments.{}]", ente_code(ente));
        for service in deployed(size, ente) {
            let _ = writeln!(text, "{service} = {{ valid_from = 2017-03-01 }}");
        }
    }
    text
}

/// Returns the register as a TOML file that names three CSV files, and these files by name.
pub fn csv(size: Size) -> (String, BTreeMap<String, String>) {
    let [mut enti, mut portals, mut deployments] = [
        "code;name;kind;istat;inhabitants;inhabitants_year;patron\r\n",
        "code;name;ente;source\r\n",
        "ente;service;valid_from\r\n",
    ]
    .map(str::to_owned);
    for ente in 0..size.enti {
        let code = ente_code(ente);
        let _ = write!(
            enti,
            "{code};Comune {ente};comune;{ente:06};{};2024;06-{:02}\r\n",
            100 + ente * 7,
            1 + ente % 30,
        );
        let source = format!("https://servizi.{code}.example");
        let _ = write!(portals, "servizi;Servizi;{code};{source}\r\n");
        for service in deployed(size, ente) {
            let _ = write!(deployments, "{code};{service};01/03/2017\r\n");
        }
    }
    let files = [
        ("enti.csv", enti),
        ("portals.csv", portals),
        ("deployments.csv", deployments),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text));
    let names = "[files]\nenti = [\"enti.csv\"]\nportals = [\"portals.csv\"]\ndeployments = [\"deployments.csv\"]\n\n";
    (format!("{names}{}", services(size)), files.into())
}

/// Returns the categories and services.
fn services(size: Size) -> String {
    let mut text = String::new();
    for category in 0..CATEGORIES {
        let _ = write!(
            text,
            "[[category]]\ncode = \"k{category}\"\nname_it = \"Categoria {category}\"\nname_en = \"Category {category}\"\n\n"
        );
    }
    for service in 0..size.services {
        let _ = write!(
            text,
            "[[service]]\ncode = \"servizio-{service}\"\nname_it = \"Servizio {service}\"\ncategory = \"k{}\"\n\n",
            service % CATEGORIES
        );
    }
    text
}

fn ente_code(ente: usize) -> String {
    format!("c_{ente:05}")
}

/// Codes of the services of an ente. The stride is a prime, so that no service comes twice.
fn deployed(size: Size, ente: usize) -> impl Iterator<Item = String> {
    (0..size.deployments).map(move |at| format!("servizio-{}", (ente + at * 7919) % size.services))
}
