//! Prometheus metrics of the collector.

use affluenza_http::telemetry::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// Label of a refused event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    reason: &'static str,
}

/// Metrics of the collector.
pub struct Counters {
    pub accepted: Counter,
    pub refused: Family<ReasonLabel, Counter>,
    pub bots: Counter,
    pub kept_in_kafka: Counter,
    pub kept_in_spool: Counter,
    pub drained: Counter,
    pub not_kept: Counter,
    pub queued: Gauge,
    pub spool_events: Gauge,
    pub spool_bytes: Gauge,
    pub salts: Gauge,
}

impl Counters {
    /// Registers the metrics.
    pub fn new(metrics: &Metrics) -> Self {
        let counter = |name: &str, help: &str| metrics.register(name, help, Counter::default());
        let gauge = |name: &str, help: &str| metrics.register(name, help, Gauge::default());
        Self {
            accepted: counter("collect_events_accepted", "Events accepted"),
            refused: metrics.register(
                "collect_events_refused",
                "Events refused, by reason",
                Family::default(),
            ),
            bots: counter(
                "collect_events_of_bots",
                "Events accepted from pages with the user agent of a bot",
            ),
            kept_in_kafka: counter(
                "collect_events_to_kafka",
                "Events written to Kafka directly",
            ),
            kept_in_spool: counter("collect_events_to_spool", "Events written to the spool"),
            drained: counter(
                "collect_events_drained",
                "Events moved from the spool to Kafka",
            ),
            not_kept: counter(
                "collect_events_not_kept",
                "Events answered with 503, because neither Kafka nor the spool could store them",
            ),
            queued: gauge("collect_queue_events", "Events being sent to Kafka"),
            spool_events: gauge("collect_spool_events", "Events in the spool"),
            spool_bytes: gauge("collect_spool_bytes", "Bytes of the spool on disk"),
            salts: gauge("collect_salts", "Enti whose daily secret is in memory"),
        }
    }

    /// Adds refused events.
    pub fn refuse(&self, reason: &'static str, count: u64) {
        self.refused
            .get_or_create(&ReasonLabel { reason })
            .inc_by(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_name_metrics_that_a_scrape_has() {
        let metrics = Metrics::default();
        // A metric with labels appears only after its first count.
        Counters::new(&metrics).refuse("not-json", 1);
        let scrape = metrics.text();
        let alerts = include_str!("../../../deploy/prometheus/alerts.yaml");
        let words = alerts.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let names: Vec<&str> = words
            .filter(|word| word.starts_with("affluenza_collect_"))
            .collect();
        assert!(names.len() > 3, "{names:?}");
        for name in names {
            let has =
                scrape.contains(&format!("\n{name}{{")) || scrape.contains(&format!("\n{name} "));
            assert!(has, "{name} is not in:\n{scrape}");
        }
    }
}
