//! Codes of the register for the enti, portals and services that people name.

use affluenza_event::nearest;
use affluenza_register::{Ente, Portal, Register, Service, comparison_key};

use anyhow::{Context as _, Result};

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
}
