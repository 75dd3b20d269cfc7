//! Translates the versions of an event type into the one domain model.
//!
//! Every released version stays accepted. Portals are upgraded at their own pace, and logs are
//! replayed years later. The domain model has no versions, so this module is the only place that
//! knows them.

use strum::VariantNames as _;

use crate::parse::shape;
use crate::wire::{AnyLogin, Data, Envelope, LoginMeans, Means};
use crate::{Login, Outcome, Refusal, SERVICE_USE_V1};

const LEVEL: &str = "/data/login/level";

/// Version of the shape of `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// Unifies the login: one word in version 1, means and level in version 2.
pub(crate) fn login(version: Version, found: Option<AnyLogin>) -> Result<Login, Refusal> {
    match (version, found) {
        (_, None) => Ok(Login::None),
        (Version::V1, Some(AnyLogin::Name(login))) => Ok(login),
        (Version::V2, Some(AnyLogin::Means(means))) => of_means(means),
        (Version::V1, Some(_)) => Err(shape(
            "/data/login",
            "an object",
            format!("in version 1, a text: {}", Login::VARIANTS.join(", ")),
        )),
        (Version::V2, Some(_)) => Err(shape(
            "/data/login",
            "a text",
            "in version 2, an object, such as {\"means\": \"spid\", \"level\": 2}",
        )),
    }
}

impl<'a> Envelope<'a, Data<'a, LoginMeans>> {
    /// Converts a service use to the shape of version 1.
    pub fn into_version_1(self) -> Result<Envelope<'a, Data<'a>>, Refusal> {
        let data = self.data;
        Ok(Envelope {
            specversion: self.specversion,
            event_type: SERVICE_USE_V1.into(),
            source: self.source,
            id: self.id,
            time: self.time,
            producer: self.producer,
            sequence: self.sequence,
            data: Data {
                ente: data.ente,
                portal: data.portal,
                service: data.service,
                kind: data.kind,
                resource: data.resource,
                outcome: Some(outcome(Version::V2, data.outcome)?),
                channel: data.channel,
                login: data.login.map(of_means).transpose()?,
                session: data.session,
                visitor: data.visitor,
                client: data.client,
            },
        })
    }
}

fn of_means(login: LoginMeans) -> Result<Login, Refusal> {
    match (login.means, login.level) {
        (_, Some(0 | 4..)) => Err(shape(LEVEL, "another number", "1, 2, 3")),
        (Means::Spid, None) => Err(shape(LEVEL, "nothing", "with SPID: 1, 2, 3")),
        (Means::Spid, Some(1)) => Ok(Login::Spid1),
        (Means::Spid, Some(2)) => Ok(Login::Spid2),
        (Means::Spid, Some(_)) => Ok(Login::Spid3),
        (Means::Password, _) => Ok(Login::Password),
        (Means::Cie, _) => Ok(Login::Cie),
        (Means::Cns, _) => Ok(Login::Cns),
    }
}

/// Unifies the outcome. Version 1 defaults to completed; version 2 requires an outcome.
pub(crate) fn outcome(version: Version, found: Option<Outcome>) -> Result<Outcome, Refusal> {
    match (version, found) {
        (_, Some(outcome)) => Ok(outcome),
        (Version::V1, None) => Ok(Outcome::Completed),
        (Version::V2, None) => Err(shape(
            "/data/outcome",
            "nothing",
            format!("since version 2: {}", Outcome::VARIANTS.join(", ")),
        )),
    }
}
