//! A form that lines have, and the decision on its client.

use std::fmt;

use crate::form::{FieldRole, LogForm};
use crate::rivals::{ClientRivals, RivalVerdict};

/// A form that fits lines of an input.
#[derive(Debug, Clone)]
pub(crate) struct FoundForm {
    pub(crate) form: LogForm,
    pub(crate) lines: u64,
    /// True if the lines record the user agent.
    pub(crate) has_agents: bool,
    /// Number of lines with a text like a user agent in another field.
    pub(crate) agents_elsewhere: u64,
    pub(crate) rivals: ClientRivals,
    /// Field next to the client that is an address of a private network or of a server.
    pub(crate) inner_rival: Option<usize>,
}

/// Reason to leave out a form that lines fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormDoubt {
    /// Numbers of two fields that may be the client.
    TwoClients(usize, usize),
    /// Half of the lines or more have a text like a user agent in another field.
    AgentElsewhere,
}

impl fmt::Display for FormDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoClients(first, second) => {
                write!(f, "fields {first} and {second} may both be the client")
            }
            Self::AgentElsewhere => f.write_str("the user agent stands in an unknown field"),
        }
    }
}

impl From<LogForm> for FoundForm {
    fn from(form: LogForm) -> Self {
        Self {
            has_agents: form.always_has_agent(),
            form,
            lines: 0,
            agents_elsewhere: 0,
            rivals: ClientRivals::default(),
            inner_rival: None,
        }
    }
}

impl FoundForm {
    /// Decides by the lines so far on the client. Returns the reason if the form is left out.
    pub(crate) fn decide(&mut self) -> Option<FormDoubt> {
        if self.agents_elsewhere > 0 && self.agents_elsewhere * 2 >= self.lines {
            return Some(FormDoubt::AgentElsewhere);
        }
        let rival = self.form.rival()?;
        let numbers = [FieldRole::Client, rival].map(|role| self.form.number_of(role));
        let [Some(client), Some(other)] = numbers else {
            return None;
        };
        match self.rivals.verdict(rival) {
            RivalVerdict::Client { has_inner_rival } => {
                self.inner_rival = has_inner_rival.then_some(other);
            }
            RivalVerdict::Rival { has_inner_rival } => {
                self.form.swap_client();
                self.inner_rival = has_inner_rival.then_some(client);
            }
            RivalVerdict::Unclear => {
                return Some(FormDoubt::TwoClients(client.min(other), client.max(other)));
            }
        }
        None
    }
}
