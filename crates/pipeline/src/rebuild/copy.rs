//! Copies the history that the log cannot give again, and sets the offsets from which it is
//! replayed.

use std::collections::BTreeMap;

use affluenza_kafka::{NextOffset, Partition};
use affluenza_store::rebuild::Lows;

use super::{RebuildError, RunningRebuild, codes};
use crate::offset_metadata::OffsetMetadata;
use crate::place::signed;

/// Attempts to copy before the log loses its next records.
const ATTEMPTS: u32 = 3;

impl RunningRebuild<'_, '_> {
    /// Copies history until the log holds every record after it.
    pub(super) async fn copy_history(&mut self) -> Result<(), RebuildError> {
        let mut margins = BTreeMap::new();
        let mut attempts = 0;
        let starts = loop {
            attempts += 1;
            let before = self.lows()?;
            let starts = self.copy(&margins).await?;
            let lows = self.lows()?;
            if lows
                .iter()
                .all(|(partition, low)| starts.get(partition) >= Some(low))
            {
                break starts;
            }
            if attempts == ATTEMPTS {
                return Err(RebuildError::LogMoves { attempts });
            }
            // The next copy may take as long, and the log loses as many records meanwhile.
            margins = lows;
            for (partition, low) in &mut margins {
                *low = (*low - before.get(partition).unwrap_or(low)) * 2;
            }
        };
        let places: Vec<(Partition, NextOffset)> = starts
            .into_iter()
            .map(|(partition, start)| {
                let partition = i32::try_from(partition).unwrap_or(i32::MAX);
                (Partition(partition), signed(start))
            })
            .collect();
        let metadata = OffsetMetadata {
            stream: self.stream.clone(),
            intent: None,
        };
        let metadata = metadata.encode();
        Ok(tokio::task::block_in_place(|| {
            self.cluster.set_committed(&self.bus, &places, &metadata)
        })?)
    }

    /// Returns the first offset of each partition.
    fn lows(&self) -> Result<BTreeMap<u32, u64>, RebuildError> {
        let topic = &self.bus.topic;
        let held = tokio::task::block_in_place(|| self.cluster.watermarks(topic))?;
        let held = held.into_iter();
        Ok(held
            .map(|(partition, held)| (partition.0.unsigned_abs(), held.low.0.unsigned_abs()))
            .collect())
    }

    /// Copies what the log cannot give again, and `margins` more offsets of each partition. Returns
    /// the offset from which each partition is replayed.
    async fn copy(&self, margins: &BTreeMap<u32, u64>) -> Result<BTreeMap<u32, u64>, RebuildError> {
        let (second, register) = (self.tools.second, self.tools.register);
        second.drop().await?;
        second.create().await?;
        let lows = self.lows()?;
        let mut readable = lows.clone();
        for (partition, low) in &mut readable {
            *low += margins.get(partition).unwrap_or(&0);
        }
        // The codes in an order may mean other events under the present register. So records before
        // an order are not read again.
        for erasure in self.tools.store.facts().erasures().await? {
            for (stream, partition, next) in erasure.ends {
                if stream == self.stream {
                    let low = readable.entry(partition).or_default();
                    *low = next.max(*low);
                }
            }
        }
        let readable = Lows {
            stream: self.stream.clone(),
            lows: readable.into_iter().collect(),
            is_compacted: self.cluster.is_compacted(&self.bus.topic).await?,
        };
        let starts = second.replay_starts(&readable).await?;
        let found = second.fact_codes(&starts).await?;
        second.put_codes(&codes::derive(register, &found)).await?;
        second.copy_facts(&starts, register.version()).await?;
        let mut renamed = BTreeMap::new();
        for ente in second.ledger_enti().await? {
            if let Some(found) = register.ente(&ente)
                && found.code() != ente
            {
                renamed.insert(ente, found.code().to_owned());
            }
        }
        let renamed: Vec<(String, String)> = renamed.into_iter().collect();
        second.copy_ledger(&starts, &renamed).await?;
        let mut places = lows;
        places.extend(starts.ends);
        Ok(places)
    }
}
