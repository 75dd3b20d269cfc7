use std::net::IpAddr;

use affluenza_event::{Channel, Kind, Login, Outcome, Resource};

/// A visit to a page, or a use of a service, as the portal knows it. What is personal in it is
/// treated when it is emitted, in this process.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    pub(crate) ente: String,
    pub(crate) portal: String,
    pub(crate) service: Option<String>,
    pub(crate) kind: Option<Kind>,
    pub(crate) resource: Option<Resource>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) channel: Option<Channel>,
    pub(crate) login: Option<Login>,
    pub(crate) session: Option<String>,
    pub(crate) visitor: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
    pub(crate) mobile: Option<bool>,
    pub(crate) platform: Option<String>,
    pub(crate) form_factors: Option<String>,
    pub(crate) touch_points: Option<u8>,
    pub(crate) time: Option<jiff::Timestamp>,
}

impl Usage {
    /// A page or area of `portal` was visited. `ente` is the code of the public body.
    pub fn access(ente: impl Into<String>, portal: impl Into<String>) -> Self {
        Self {
            ente: ente.into(),
            portal: portal.into(),
            ..Self::default()
        }
    }

    /// `service` was used, as `kind`.
    pub fn service(
        ente: impl Into<String>,
        portal: impl Into<String>,
        service: impl Into<String>,
        kind: Kind,
    ) -> Self {
        Self {
            service: Some(service.into()),
            kind: Some(kind),
            ..Self::access(ente, portal)
        }
    }

    /// The service that a visited page belongs to.
    #[must_use]
    pub fn of_service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// What a visit asked for: a page unless told.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// How it ended: completed unless told.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// Where it came in: on the web unless told.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// How the person was identified: not at all unless told.
    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// What identifies the session, as the portal has it: a token takes its place.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// What identifies the visitor, as the portal has it: a token of the day takes its place.
    /// Without it, address and user agent together stand for the visitor.
    #[must_use]
    pub fn visitor(mut self, visitor: impl Into<String>) -> Self {
        self.visitor = Some(visitor.into());
        self
    }

    /// The client's address: it is truncated.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// The `User-Agent` header.
    #[must_use]
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// The `Sec-CH-UA-Mobile` header: `?1` is true.
    #[must_use]
    pub fn mobile(mut self, mobile: bool) -> Self {
        self.mobile = Some(mobile);
        self
    }

    /// The `Sec-CH-UA-Platform` header.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }

    /// The `Sec-CH-UA-Form-Factors` header.
    #[must_use]
    pub fn form_factors(mut self, form_factors: impl Into<String>) -> Self {
        self.form_factors = Some(form_factors.into());
        self
    }

    /// `navigator.maxTouchPoints`.
    #[must_use]
    pub fn touch_points(mut self, touch_points: u8) -> Self {
        self.touch_points = Some(touch_points);
        self
    }

    /// When it happened: now unless told.
    #[must_use]
    pub fn time(mut self, time: jiff::Timestamp) -> Self {
        self.time = Some(time);
        self
    }
}
