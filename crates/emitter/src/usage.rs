use std::net::IpAddr;

use affluenza_event::{Channel, Kind, Login, Outcome, Resource};

/// Visit to a page or use of a service, as the portal knows it. Personal data in it is
/// pseudonymized or truncated by `emit`, in the portal's process.
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
    /// Creates a visit to a page or area of `portal`. `ente` is the code of the public body.
    pub fn access(ente: impl Into<String>, portal: impl Into<String>) -> Self {
        Self {
            ente: ente.into(),
            portal: portal.into(),
            ..Self::default()
        }
    }

    /// Creates a use of `service` as `kind`.
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

    /// Sets the service that a visited page belongs to.
    #[must_use]
    pub fn of_service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Sets the visited resource, default a page.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Sets the outcome, default completed.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// Sets the channel, default the web.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Sets the login method, default none.
    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Sets the portal's identifier of the session. It is replaced by a token.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// Sets the portal's identifier of the visitor. It is replaced by a token of the day. Without
    /// it, the token is made from address and user agent.
    #[must_use]
    pub fn visitor(mut self, visitor: impl Into<String>) -> Self {
        self.visitor = Some(visitor.into());
        self
    }

    /// Sets the client's address. It is truncated before it is sent.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Sets the `User-Agent` header.
    #[must_use]
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// Sets the `Sec-CH-UA-Mobile` header: `?1` is true.
    #[must_use]
    pub fn mobile(mut self, mobile: bool) -> Self {
        self.mobile = Some(mobile);
        self
    }

    /// Sets the `Sec-CH-UA-Platform` header.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }

    /// Sets the `Sec-CH-UA-Form-Factors` header.
    #[must_use]
    pub fn form_factors(mut self, form_factors: impl Into<String>) -> Self {
        self.form_factors = Some(form_factors.into());
        self
    }

    /// Sets `navigator.maxTouchPoints`.
    #[must_use]
    pub fn touch_points(mut self, touch_points: u8) -> Self {
        self.touch_points = Some(touch_points);
        self
    }

    /// Sets the time of the event, default now.
    #[must_use]
    pub fn time(mut self, time: jiff::Timestamp) -> Self {
        self.time = Some(time);
        self
    }
}
