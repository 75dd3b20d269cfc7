//! Codes of the register for the enti, portals and services that people name.

use std::collections::BTreeSet;

use affluenza_event::nearest;
use affluenza_register::{Ente, Portal, Register, Service, comparison_key};

use anyhow::{Context as _, Result, bail};

use crate::output::say;

/// Finds codes in a register. A text that the register does not know is used as it is, because
/// events may carry it, and a note says so.
pub struct GivenNames<'r>(pub &'r Register);

impl<'r> GivenNames<'r> {
    /// Returns the code of an ente given by code, name or alias.
    pub fn ente(&self, given: &'r str) -> &'r str {
        let code = self.0.ente(given).map(Ente::code);
        let enti = self.0.enti();
        code.unwrap_or_else(|| noted("ente", given, enti.map(Ente::name)))
    }

    /// Returns the code of a portal given by code or name. An ente without portals in the register may
    /// use any.
    pub fn portal(&self, ente: &str, given: &'r str) -> &'r str {
        let ente = self.0.ente(ente);
        let ente = ente.filter(|ente| !self.0.portals_of(ente).is_empty());
        let Some(ente) = ente else { return given };
        let portal = self.0.portal(ente, given).or_else(|| {
            let key = comparison_key(given);
            let mut portals = self.0.portals_of(ente).iter();
            portals.find(|portal| comparison_key(portal.name()) == key)
        });
        portal.map(Portal::code).unwrap_or_else(|| {
            let portals = self.0.portals_of(ente).iter();
            noted("portal of this ente", given, portals.map(Portal::code))
        })
    }

    /// Returns the code of a service given by code, name or alias.
    pub fn service(&self, given: &'r str) -> &'r str {
        let code = self.0.service(given).map(Service::code);
        let services = self.0.services();
        code.unwrap_or_else(|| noted("service", given, services.map(Service::code)))
    }
}

fn noted<'r>(what: &str, given: &'r str, known: impl IntoIterator<Item = &'r str>) -> &'r str {
    let meant = meant(given, known);
    say(&format!(
        "note: the register has no {what} {given:?}, so the text is used as it is{meant}"
    ));
    given
}

/// Returns the code of an ente that a command needs to know.
pub fn known_ente<'r>(register: &'r Register, given: &str) -> Result<&'r str> {
    register.ente(given).map(Ente::code).with_context(|| {
        let meant = meant(given, register.enti().map(Ente::name));
        format!("the register has no ente {given:?}: give a code or a name that it has{meant}")
    })
}

/// Returns the code of an ente in the register of a closed year. One that got a new code or name since
/// is found by an old one.
pub fn ente_then<'r>(then: &'r Register, present: &Register, given: &str) -> Result<&'r str> {
    let now = match then.ente(given) {
        Some(ente) => return Ok(ente.code()),
        None => present.ente(given),
    };
    let names = now.into_iter().flat_map(|ente| {
        let own = [ente.code(), ente.name()].into_iter();
        own.chain(ente.aliases().iter().map(String::as_str))
    });
    let codes = names.filter_map(|name| then.ente(name)).map(Ente::code);
    let codes: BTreeSet<&str> = codes.collect();
    match Vec::from_iter(codes)[..] {
        [] => known_ente(then, given),
        [code] => {
            say(&format!(
                "note: the register of the closed year has {given:?} as {code}"
            ));
            Ok(code)
        }
        ref codes => bail!(
            "the register of the closed year has {given:?} as several enti: give one of {}",
            codes.join(", ")
        ),
    }
}

/// Formats the name that may be meant.
fn meant<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(given, known).map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_codes_and_unknown_texts_stay() {
        let register = Register::parse(include_str!("../../../../deploy/register.toml")).unwrap();
        let names = GivenNames(&register);
        assert_eq!(names.ente("Firenze"), "c_d612");
        assert_eq!(names.ente("nowhere"), "nowhere");
        assert_eq!(names.portal("c_d612", "servizi-online"), "servizi-online");
        assert_eq!(names.portal("c_d612", "other"), "other");
        let portal = register.portals().next().unwrap();
        assert_eq!(names.portal(portal.ente(), portal.name()), portal.code());
        let service = register.services().next().unwrap();
        assert_eq!(names.service(service.name_it()), service.code());
    }

    #[test]
    fn an_ente_with_a_new_code_is_found_in_an_older_register() {
        let ente = |code: &str, name: &str, aliases: &str| {
            format!(
                "[[ente]]\ncode = {code:?}\nname = {name:?}\nkind = \"comune\"\naliases = [{aliases}]\n"
            )
        };
        let enti = [
            ("c_a", "Alfa"),
            ("c_b", "Beta"),
            ("c_c", "Gamma"),
            ("c_e", "Epsilon"),
        ];
        let then = enti.map(|(code, name)| ente(code, name, "")).concat();
        let now = [
            ente("c_n", "Nuova Alfa", "\"c_a\""),
            ente("c_m", "Beta e Gamma", "\"c_b\", \"c_c\""),
            ente("c_d", "Delta", ""),
            ente("c_e", "Nuova Epsilon", ""),
        ];
        let [then, now] = [then, now.concat()].map(|text| Register::parse(&text).unwrap());
        for (given, found) in [
            ("c_n", Ok("c_a")),
            ("Nuova Alfa", Ok("c_a")),
            ("Nuova Epsilon", Ok("c_e")),
            ("c_a", Ok("c_a")),
            ("Beta", Ok("c_b")),
            ("c_m", Err("as several enti: give one of c_b, c_c")),
            ("c_d", Err("the register has no ente \"c_d\"")),
            ("nowhere", Err("the register has no ente \"nowhere\"")),
        ] {
            match (ente_then(&then, &now, given), found) {
                (Ok(code), Ok(found)) => assert_eq!(code, found, "{given}"),
                (Err(error), Err(said)) => {
                    assert!(error.to_string().contains(said), "{given}: {error}");
                }
                (code, _) => panic!("{given}: {code:?}"),
            }
        }
    }
}
