use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Problem;

/// Number of buckets above which idle ones are dropped.
const BUCKETS_MAX: usize = 100_000;

/// Token bucket for each key or address.
pub struct RateLimit<K: Hash + Eq + Clone> {
    buckets: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>,
    burst: u32,
    per_second: u32,
    clock: DefaultClock,
}

/// State of a bucket after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Capacity of the bucket, in requests.
    pub limit: u32,
    /// Requests left now.
    pub remaining: u32,
    /// Seconds until the bucket is full again.
    pub reset_seconds: u32,
}

impl Allowance {
    /// Writes the `RateLimit` headers.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("ratelimit-limit", self.limit),
            ("ratelimit-remaining", self.remaining),
            ("ratelimit-reset", self.reset_seconds),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }

    /// Returns the response, or that of the problem, with the `RateLimit` headers.
    pub fn limit(&self, answered: Result<Response, Problem>) -> Response {
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);
        self.write(response.headers_mut());
        response
    }

    /// Adds the `RateLimit` headers to a problem.
    #[must_use]
    pub fn note(&self, problem: Problem) -> Problem {
        let mut headers = HeaderMap::new();
        self.write(&mut headers);
        let named = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)));
        named.fold(problem, |problem, (name, value)| {
            problem.with_header(name, value)
        })
    }
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// Creates a limit of `per_second` requests on average, and `burst` at once. Zero counts as
    /// one.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let one = NonZeroU32::MIN;
        let (rate, size) = (
            NonZeroU32::new(per_second).unwrap_or(one),
            NonZeroU32::new(burst).unwrap_or(one),
        );
        let quota = Quota::per_second(rate).allow_burst(size);
        Self {
            buckets: RateLimiter::dashmap(quota).with_middleware(),
            burst: size.get(),
            per_second: rate.get(),
            clock: DefaultClock::default(),
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// 429 with `Retry-After` and the `RateLimit` headers.
    pub fn take(&self, key: &K) -> Result<Allowance, Problem> {
        if self.buckets.len() > BUCKETS_MAX {
            self.buckets.retain_recent();
        }
        match self.buckets.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(self.allowance(remaining))
            }
            Err(refused) => {
                let wait = refused.wait_time_from(self.clock.now());
                let detail = format!(
                    "at most {} requests a second, {} at once: wait, and use ETag and If-None-Match",
                    self.per_second, self.burst
                );
                Err(self.allowance(0).note(Problem::too_many(detail, wait)))
            }
        }
    }

    fn allowance(&self, remaining: u32) -> Allowance {
        let missing = self.burst.saturating_sub(remaining);
        Allowance {
            limit: self.burst,
            remaining,
            reset_seconds: missing.div_ceil(self.per_second),
        }
    }
}

/// Returns the key of an address: an IPv6 client counts as its whole /64 network.
pub(crate) fn bucket_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    }
}

/// Limit of concurrent requests for each key, with a queue for each key.
pub struct ConcurrencyLimit<K> {
    each: usize,
    held: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// Permit for one request, returned when dropped.
pub struct RequestPermit(
    #[expect(dead_code, reason = "dropping it releases the slot")] OwnedSemaphorePermit,
);

impl<K: Hash + Eq + Clone> ConcurrencyLimit<K> {
    /// Creates a limit of `each` concurrent requests a key. Zero counts as one.
    pub fn new(each: usize) -> Self {
        Self {
            each: each.max(1),
            held: Mutex::default(),
        }
    }

    /// Waits for a permit, for `patience` at most.
    ///
    /// # Errors
    /// 429 if no permit became free in time.
    pub async fn take(&self, key: &K, patience: Duration) -> Result<RequestPermit, Problem> {
        let places = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.len() > BUCKETS_MAX {
                held.retain(|_, places| Arc::strong_count(places) > 1);
            }
            held.entry(key.clone())
                .or_insert_with(|| Arc::new(Semaphore::new(self.each)))
                .clone()
        };
        match tokio::time::timeout(patience, places.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(RequestPermit(permit)),
            _ => Err(Problem::too_many(
                format!("at most {} questions at once for each key", self.each),
                Duration::from_secs(1),
            )),
        }
    }
}

impl RateLimit<IpAddr> {
    /// Takes a token of an address. All addresses of an IPv6 /64 share a bucket.
    ///
    /// # Errors
    /// 429, as [`RateLimit::take`].
    pub fn take_address(&self, address: IpAddr) -> Result<Allowance, Problem> {
        self.take(&bucket_of(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_bucket() {
        let limit = RateLimit::new(1, 2);
        let first = limit.take(&"a").unwrap();
        assert_eq!((first.limit, first.remaining), (2, 1));
        assert_eq!(limit.take(&"a").unwrap().remaining, 0);
        let refused = limit.take(&"a").unwrap_err();
        assert_eq!(refused.status(), 429);
        assert!(limit.take(&"b").is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let limit = RateLimit::new(1, 1);
        assert!(limit.take_address("2001:db8::1".parse().unwrap()).is_ok());
        assert!(limit.take_address("2001:db8::2".parse().unwrap()).is_err());
        assert!(
            limit
                .take_address("2001:db8:0:1::1".parse().unwrap())
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_client_with_many_requests_waits_alone() {
        let places = ConcurrencyLimit::new(1);
        let soon = Duration::from_millis(5);
        let held = places.take(&"a", soon).await.unwrap();
        assert!(places.take(&"a", soon).await.is_err());
        assert!(places.take(&"b", soon).await.is_ok());
        drop(held);
        assert!(places.take(&"a", soon).await.is_ok());
    }
}
