use std::time::Duration;

use affluenza_kafka::Cluster;
use affluenza_pipeline::erasure_notes::keep_whole;
use affluenza_store::{Layout, Store, access};
use anyhow::Result;
use serde_json::json;

use crate::args::Migrate;
use crate::output;
use crate::platform::{Needs, Platform, ente_readers};
use crate::settings::Settings;

pub fn run(settings: &Settings, args: &Migrate) -> Result<()> {
    if args.show {
        let mut statements = affluenza_store::schema(&settings.clickhouse);
        let readers = ente_readers(settings)?;
        if !readers.is_empty() {
            statements.extend(access::statements(&settings.clickhouse, &readers));
        }
        return output::print(&format!("{};", statements.join(";\n\n")));
    }
    let done = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        migrate(platform, settings, args).await
    })?;
    let text = match done.is_empty() {
        true => "nothing to do: the schema and the topics are there".to_owned(),
        false => done.join("\n"),
    };
    output::print_as(args.format, &text, &json!({ "done": done }))
}

/// Migrates everything. Returns what was done, one line each.
async fn migrate(platform: &Platform, settings: &Settings, args: &Migrate) -> Result<Vec<String>> {
    let mut done = prepare(platform).await?;
    // Fill the hour rows now: queries are fast at once, not only after the next reconciliation.
    let store = Store::new(&platform.store);
    store.usage().keep_hours().await?;
    // Projections only affect speed, and the hourly reconciliation creates missing ones.
    if let Err(error) = store.admin().keep_projections(Duration::ZERO).await {
        tracing::warn!(%error, "projections are not built yet: a consumer builds them within an hour");
    }
    if let Some(months) = settings.retention.facts_months
        && store.admin().keep_facts(months).await?
    {
        let first = store.facts().boundary().await?.month;
        let (year, month) = (first / 100, first % 100);
        done.push(if months == 0 {
            "facts are kept without limit from now on".to_owned()
        } else {
            format!(
                "facts are kept for {months} months besides the current one, and compared from {year}-{month:02} on; aggregates stay"
            )
        });
    }
    if args.add_partitions {
        let cluster = Cluster::new(&platform.bus)?;
        let topic = &platform.bus.topic;
        let before = tokio::task::block_in_place(|| cluster.watermarks(topic))?.len();
        let wanted = usize::try_from(platform.bus.partitions)?;
        if before < wanted {
            cluster.raise_partitions(topic, wanted).await?;
            done.push(format!(
                "topic {topic}: {before} partitions before, {wanted} now"
            ));
        }
    }
    Ok(done)
}

/// Creates missing topics, database, tables and views. Returns the changes to the database, one
/// line each.
pub async fn prepare(platform: &Platform) -> Result<Vec<String>> {
    let cluster = Cluster::new(&platform.bus)?;
    cluster.create_topics(&platform.bus).await?;
    for topic in [
        &platform.bus.topic,
        &platform.bus.dead_letter_topic,
        &platform.bus.erasure_topic,
    ] {
        let partitions = tokio::task::block_in_place(|| cluster.replicas_of_new(topic))?;
        let fewest = partitions.iter().map(|(_, replicas)| replicas.all.len());
        let fewest = fewest.min().unwrap_or(0);
        let wanted = platform.bus.replication;
        if i32::try_from(fewest)? < wanted {
            tracing::warn!(
                topic,
                replicas = fewest,
                wanted,
                "the topic was created with fewer replicas: raise them with kafka-reassign-partitions"
            );
        }
    }
    cluster.warn_of_compaction(&platform.bus.topic).await;
    let store = Store::new(&platform.store);
    store.admin().check_server().await?;
    let mut done = Vec::new();
    let completed = store.admin().complete_nodes().await?;
    if !completed.is_empty() {
        done.push(format!("tables created on {}", completed.join(", ")));
    }
    let applied = store.admin().migrate().await?;
    if !applied.is_empty() {
        done.push(format!("applied: {}", applied.join(", ")));
    }
    let restored = store.admin().restore_views().await?;
    if !restored.is_empty() {
        done.push(format!(
            "created again, because missing or altered: {}; `affluenza audit --repair` restores the events that they did not count",
            restored.join(", ")
        ));
    }
    store.admin().check_shape().await?;
    if platform.is_owner {
        store.admin().create_reader_views(&platform.readers).await?;
    }
    keep_whole(&store, &platform.bus).await?;
    match store.admin().keep_layout().await? {
        Layout::AsBefore => {}
        Layout::Changed { from, to } => done.push(format!(
            "blocks of events are distributed among {to} shards from now on, {from} before"
        )),
        Layout::Disputed => tracing::warn!(
            cluster = platform.store.cluster,
            "nodes of the cluster know different numbers of shards: name all of them in remote_servers of every node, and migrate again"
        ),
    }
    Ok(done)
}
