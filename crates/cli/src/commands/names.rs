//! Codes of the register for the enti, portals and services that people name.

use affluenza_register::{Ente, Portal, Register, Service, comparison_key};

use crate::output::say;

/// Finds codes in a register. A text that the register does not know is used as it is, because
/// events may carry it, and a note says so.
pub struct GivenNames<'r>(pub &'r Register);

impl<'r> GivenNames<'r> {
    /// Returns the code of an ente given by code, name or alias.
    pub fn ente(&self, given: &'r str) -> &'r str {
        let code = self.0.ente(given).map(Ente::code);
        code.unwrap_or_else(|| noted("ente", given))
    }

    /// Returns the code of a portal given by code or name. An ente without portals in the register may
    /// use any.
    pub fn portal(&self, ente: &str, given: &'r str) -> &'r str {
        let ente = self.0.ente(ente);
        let ente = ente.filter(|ente| !self.0.portals_of(ente).is_empty());
        let Some(ente) = ente else { return given };
        let named = || {
            let key = comparison_key(given);
            let mut portals = self.0.portals_of(ente).iter();
            portals.find(|portal| comparison_key(portal.name()) == key)
        };
        let portal = self.0.portal(ente, given).or_else(named);
        portal
            .map(Portal::code)
            .unwrap_or_else(|| noted("portal of this ente", given))
    }

    /// Returns the code of a service given by code, name or alias.
    pub fn service(&self, given: &'r str) -> &'r str {
        let code = self.0.service(given).map(Service::code);
        code.unwrap_or_else(|| noted("service", given))
    }
}

fn noted<'r>(what: &str, given: &'r str) -> &'r str {
    say(&format!(
        "note: the register has no {what} {given:?}, so the text is used as it is"
    ));
    given
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
