use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

/// How to reach Kafka and what to call things there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `host:port`, several separated by commas. Empty: the local engine of `up` is used.
    pub bootstrap_servers: String,
    /// Topic of the events.
    pub topic: String,
    /// Topic of the records that did not become events.
    pub dead_letter_topic: String,
    /// Consumer group.
    pub group: String,
    /// Name of this consumer in its group, for static membership. Empty: dynamic.
    pub instance: String,
    /// Partitions of the topic, when this program creates it.
    pub partitions: i32,
    /// Replicas of the topic, when this program creates it.
    pub replication: i32,
    /// Further librdkafka properties, such as TLS and SASL settings.
    pub properties: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bootstrap_servers: String::new(),
            topic: "affluenza.events".into(),
            dead_letter_topic: "affluenza.dead-letters".into(),
            group: "affluenza".into(),
            instance: String::new(),
            partitions: 4,
            replication: 1,
            properties: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What is wrong with it, one line a problem.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, value) in [
            ("kafka.topic", &self.topic),
            ("kafka.dead_letter_topic", &self.dead_letter_topic),
        ] {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            if value.is_empty() || value.len() > 249 || !value.bytes().all(plain) {
                problems.push(format!(
                    "{name} = {value:?}: use 1 to 249 letters, digits, '.', '_' or '-'"
                ));
            }
        }
        if self.topic == self.dead_letter_topic {
            problems.push("kafka.dead_letter_topic must differ from kafka.topic".into());
        }
        if self.group.is_empty() {
            problems.push("kafka.group is empty: give the consumer group a name".into());
        }
        if !(1..=10_000).contains(&self.partitions) {
            problems.push(format!(
                "kafka.partitions = {}: use 1 to 10000",
                self.partitions
            ));
        }
        if !(1..=100).contains(&self.replication) {
            problems.push(format!(
                "kafka.replication = {}: use 1 to 100",
                self.replication
            ));
        }
        problems
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "affluenza")
            // A broker that restarts is back within a second or two; the default of up to ten
            // seconds between attempts would leave the consumer idle for longer than that.
            .set("reconnect.backoff.max.ms", "1000");
        for (name, value) in &self.properties {
            client.set(name, value);
        }
        client
    }
}
