//! Canonical text of a register, and its hash.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::model::Validity;
use crate::register::Register;

/// Hashes the content of `register`. Its tables are already sorted by code.
pub(crate) fn version(register: &Register) -> String {
    let digest = Sha256::digest(canonical(register).as_bytes());
    hex::encode(&digest[..6])
}

/// Writes the content in canonical form. `{:?}` quotes and escapes the fields, so two different
/// registers never give the same text.
fn canonical(register: &Register) -> String {
    let mut text = String::from("affluenza register 1\n");
    let out = &mut text;
    for ente in &register.enti {
        let fields = (&ente.code, &ente.name, <&str>::from(ente.kind));
        let codes = (&ente.istat, &ente.belfiore, &ente.successor);
        let population = ente.population.as_ref();
        let source = population.and_then(|it| it.source.as_ref());
        let population = population.map(|it| (it.inhabitants, it.year));
        let zone = Some(ente.zone.name());
        let aliases = sorted(&ente.aliases);
        line(out, format_args!("ente {fields:?} {codes:?} {zone:?}"));
        line(out, format_args!("{population:?} {aliases:?}"));
        // Optional fields leave no trace if unused, so that a new field does not change old
        // versions.
        if let Some(patron) = ente.patron {
            line(out, format_args!("patron {patron}"));
        }
        if let Some(desk) = &ente.desk {
            line(out, format_args!("desk {desk}"));
        }
        if let Some(source) = source {
            line(out, format_args!("population source {source:?}"));
        }
        if !ente.members.is_empty() {
            line(out, format_args!("members {:?}", ente.members));
        }
        period(out, ente.validity);
    }
    for category in &register.categories {
        let fields = (&category.code, &category.name_it, &category.name_en);
        line(out, format_args!("category {fields:?}"));
    }
    for service in &register.services {
        let fields = (&service.code, &service.name_it, &service.name_en);
        let matter = (&service.subject, &service.life_event);
        let nature = service.nature;
        let aliases = sorted(&service.aliases);
        line(out, format_args!("service {fields:?} {nature} {matter:?}"));
        line(out, format_args!("{:?} {aliases:?}", service.category.code));
        for (to, category) in &service.earlier {
            line(out, format_args!("until {to} {:?}", category.code));
        }
        period(out, service.validity);
    }
    for portal in &register.portals {
        let fields = (&portal.ente, &portal.code, &portal.name, &portal.source);
        let zone = Some(portal.zone.name());
        line(out, format_args!("portal {fields:?} {zone:?}"));
        if let Some(kind) = portal.kind {
            line(out, format_args!("portal kind {kind}"));
        }
    }
    for offer in register.deployments() {
        let (ente, service) = (offer.ente.code(), offer.service.code());
        let nature = offer.nature;
        line(out, format_args!("offer {ente:?} {service:?} {nature}"));
        period(out, offer.validity);
    }
    text
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<_> = names.iter().collect();
    names.sort();
    names
}

fn period(out: &mut String, validity: Validity) {
    line(out, format_args!("{:?} {:?}", validity.from, validity.to));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}
