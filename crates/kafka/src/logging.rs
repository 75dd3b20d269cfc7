use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// Text in messages of librdkafka about a rejected login or certificate, of this client or of the
/// broker.
const REFUSALS: [&str; 3] = ["SASL", "certificate", "SSL handshake failed"];
/// Text in messages of librdkafka about a connection that broke, as when a broker stops.
const BREAKS: [&str; 3] = ["Disconnected", "transport failure", "handle destroyed"];

/// Reason of a failed connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectionFailure {
    /// Message of the client.
    pub(crate) cause: String,
    /// True if one side rejected the other, so that a retry does not help.
    pub(crate) is_refusal: bool,
}

impl ConnectionFailure {
    /// Parses a log line such as `[thrd:ssl://b:9093/1]: ssl://b:9093/1: Connect failed (after 2ms
    /// in state CONNECT)`. Returns `None` for other facilities than `FAIL`.
    fn of(facility: &str, message: &str) -> Option<Self> {
        if facility != "FAIL" {
            return None;
        }
        let said = message.split_once("]: ").map_or(message, |(_, rest)| rest);
        let said = said.split_once(": ").map_or(said, |(_, rest)| rest);
        let said = said.rsplit_once(" (after ").map_or(said, |(said, _)| said);
        // OpenSSL reports a rejected client certificate only as a TLS alert with its number.
        let cause = if said.contains(" alert ") && said.contains("certificate") {
            format!("the broker wants a certificate of this client that it trusts: {said}")
        // librdkafka names the property only if the broker answers after the first attempt to read.
        } else if said.ends_with("certificate verify failed") {
            format!("{said}: check ssl.ca.location")
        } else {
            said.to_owned()
        };
        Some(Self {
            cause,
            is_refusal: REFUSALS.iter().any(|word| said.contains(word))
                && !BREAKS.iter().any(|word| said.contains(word)),
        })
    }
}

/// Forwards the client's log to `tracing`. Keeps the last connection failure and the last error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logging(Arc<Mutex<Option<ConnectionFailure>>>, Said);

/// Last error message of a client. A poll returns only the error code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Option<String>>>);

impl Said {
    /// Stores the message of an error.
    pub(crate) fn note(&self, error: &KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client error");
        let said = match reason {
            "" => error.to_string(),
            reason => reason.to_owned(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }

    /// Takes the stored message of the error that a poll has just returned.
    pub(crate) fn take(&self, error: &KafkaError) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        said.unwrap_or_else(|| error.to_string())
    }
}

impl Logging {
    /// Returns the last error message.
    pub(crate) const fn said(&self) -> &Said {
        &self.1
    }

    /// Returns the last connection failure. A refusal is not replaced by a later failure of another
    /// kind.
    pub(crate) fn failure(&self) -> Option<ConnectionFailure> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ClientContext for Logging {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if let Some(failure) = ConnectionFailure::of(facility, message) {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !last.as_ref().is_some_and(|last| last.is_refusal) || failure.is_refusal {
                *last = Some(failure);
            }
        }
        pass_on(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.1.note(&error, reason);
    }
}

impl ConsumerContext for Logging {}

/// Logs a message of a background client. A refusal is logged as an error, because no caller checks
/// for it.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match ConnectionFailure::of(facility, message) {
        Some(ConnectionFailure { cause, is_refusal }) if is_refusal => {
            tracing::error!(cause, "Kafka and this client do not accept each other");
        }
        _ => pass_on(level, facility, message),
    }
}

fn pass_on(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, message, "kafka client");
        }
        // Callers report an unavailable broker once. The client repeats the message at every
        // attempt, so it is logged as information only.
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            tracing::info!(facility, message, "kafka client");
        }
        _ => tracing::debug!(facility, message, "kafka client"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(said: &str) -> ConnectionFailure {
        let message = format!("[thrd:sasl_ssl://k:9/bootstrap]: sasl_ssl://k:9/bootstrap: {said}");
        ConnectionFailure::of("FAIL", &message).unwrap()
    }

    #[test]
    fn refusals_and_broken_connections_differ() {
        let refused = failure(
            "SASL authentication error: Authentication failed (after 304ms in state AUTH_REQ)",
        );
        assert_eq!(
            refused.cause,
            "SASL authentication error: Authentication failed"
        );
        assert!(refused.is_refusal);
        let broken = failure(
            "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener? (after 1ms in state SSL_HANDSHAKE)",
        );
        assert!(!broken.is_refusal);
        let unknown =
            failure("Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate");
        assert!(unknown.is_refusal && unknown.cause.starts_with("the broker wants"));
        let untrusted = failure("error:0A000086:SSL routines::certificate verify failed");
        assert!(untrusted.is_refusal && untrusted.cause.ends_with("check ssl.ca.location"));
        let away = failure("Connect to ipv4#127.0.0.1:9 failed: Connection refused");
        assert_eq!(
            away.cause,
            "Connect to ipv4#127.0.0.1:9 failed: Connection refused"
        );
        assert!(!away.is_refusal);
        assert_eq!(ConnectionFailure::of("REQTMOUT", "[thrd:x]: late"), None);
    }

    #[test]
    fn a_refusal_is_remembered_with_later_errors() {
        let logging = Logging::default();
        let say = |said: &str| {
            let message = format!("[thrd:k]: k: {said}");
            logging.log(RDKafkaLogLevel::Error, "FAIL", &message);
            logging.failure().unwrap().cause
        };
        assert_eq!(say("Disconnected"), "Disconnected");
        assert_eq!(
            say("SASL authentication error: a"),
            "SASL authentication error: a"
        );
        assert_eq!(say("Disconnected"), "SASL authentication error: a");
    }
}
