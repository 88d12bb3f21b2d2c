//! The state as bytes, for a checkpoint, and back.

use std::collections::HashMap;

use prost::Message;
use spanledger_component::Error;

use crate::call::{Compared, LABEL_NAMES, LABELS, UNPRICED};
use crate::histogram::{DURATION_BOUNDS_NS, Histogram, TOKEN_BOUNDS};
use crate::saved::SavedSettling;
use crate::series::{Key, Series, write_key};
use crate::settling::{self, Settling};
use crate::state::{Limits, State};

/// Version 1 knew of nothing that waits.
const VERSION: u32 = 2;

#[derive(Clone, PartialEq, Message)]
struct Snapshot {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint64, repeated, tag = "2")]
    duration_bounds_ns: Vec<u64>,
    #[prost(uint64, repeated, tag = "3")]
    token_bounds: Vec<u64>,
    #[prost(int64, tag = "4")]
    last_unix_nano: i64,
    /// In the order of their labels.
    #[prost(message, repeated, tag = "5")]
    series: Vec<SavedSeries>,
    /// Since version 2.
    #[prost(message, optional, tag = "6")]
    settling: Option<SavedSettling>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedSeries {
    /// None: the overflow series.
    #[prost(message, optional, tag = "1")]
    labels: Option<SavedLabels>,
    #[prost(int64, tag = "2")]
    start_unix_nano: i64,
    #[prost(uint64, tag = "3")]
    errors: u64,
    /// Units of 1e-12 USD: 16 bytes, little endian.
    #[prost(bytes = "vec", tag = "4")]
    cost: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    unpriced: Vec<SavedCount>,
    #[prost(message, optional, tag = "6")]
    duration_ns: Option<SavedHistogram>,
    #[prost(message, optional, tag = "7")]
    input_tokens: Option<SavedHistogram>,
    #[prost(message, optional, tag = "8")]
    output_tokens: Option<SavedHistogram>,
    /// As `cost`; none where no call had both.
    #[prost(bytes = "vec", tag = "20")]
    reported_compared: Vec<u8>,
    #[prost(bytes = "vec", tag = "21")]
    derived_compared: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedLabels {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<SavedLabel>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedLabel {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct SavedCount {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(uint64, tag = "2")]
    count: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedHistogram {
    #[prost(uint64, repeated, tag = "1")]
    counts: Vec<u64>,
    /// 16 bytes, little endian.
    #[prost(bytes = "vec", tag = "2")]
    sum: Vec<u8>,
}

/// The same bytes for the same state.
pub(crate) fn encode(state: &State, settling: &Settling) -> Vec<u8> {
    let series = state.sorted().into_iter().map(|(key, series)| SavedSeries::of(key, series));
    let snapshot = Snapshot {
        version: VERSION,
        duration_bounds_ns: DURATION_BOUNDS_NS.to_vec(),
        token_bounds: TOKEN_BOUNDS.to_vec(),
        last_unix_nano: state.last_unix_nano,
        series: series.collect(),
        settling: Some(SavedSettling::of(settling)),
    };
    snapshot.encode_to_vec()
}

/// An error when it is none of ours: of another version, with other buckets, or damaged.
pub(crate) fn decode(
    bytes: &[u8],
    limits: Limits,
    settling: settling::Limits,
) -> Result<(State, Settling), Error> {
    let snapshot =
        Snapshot::decode(bytes).map_err(|error| Error::caused("read the state of genai_metrics", error))?;
    if !(1..=VERSION).contains(&snapshot.version) {
        let version = snapshot.version;
        return Err(refused(format!("it has version {version}, this program reads 1 to {VERSION}")));
    }
    if snapshot.duration_bounds_ns != DURATION_BOUNDS_NS || snapshot.token_bounds != TOKEN_BOUNDS {
        return Err(refused("it counted with other buckets"));
    }
    let mut series = HashMap::with_capacity(snapshot.series.len());
    for saved in snapshot.series {
        if series.insert(saved.key()?, saved.series()?).is_some() {
            return Err(refused("a series is there twice"));
        }
    }
    let settling = snapshot.settling.unwrap_or_default().settling(settling)?;
    Ok((State::with(limits, snapshot.last_unix_nano, series), settling))
}

impl SavedSeries {
    fn of(key: &Key, series: &Series) -> Self {
        let unpriced = UNPRICED.into_iter().zip(series.unpriced).filter(|(_, count)| *count > 0);
        Self {
            labels: (!key.is_empty()).then(|| SavedLabels::of(key)),
            start_unix_nano: series.start_unix_nano,
            errors: series.errors,
            cost: series.cost.to_le_bytes().to_vec(),
            unpriced: unpriced
                .map(|(reason, count)| SavedCount { reason: reason.to_owned(), count })
                .collect(),
            duration_ns: Some(SavedHistogram::of(&series.duration_ns)),
            input_tokens: Some(SavedHistogram::of(&series.input_tokens)),
            output_tokens: Some(SavedHistogram::of(&series.output_tokens)),
            reported_compared: series.compared.reported.to_le_bytes().to_vec(),
            derived_compared: series.compared.derived.to_le_bytes().to_vec(),
        }
    }

    fn key(&self) -> Result<Key, Error> {
        let mut key = Vec::new();
        if let Some(labels) = &self.labels {
            write_key(labels.values()?, &mut key);
        }
        Ok(key.into())
    }

    fn series(self) -> Result<Series, Error> {
        let mut series = Series::new(self.start_unix_nano);
        series.errors = self.errors;
        series.cost = i128::from_le_bytes(sixteen(&self.cost)?);
        // A checkpoint of an earlier program does not have them.
        if !self.reported_compared.is_empty() {
            let amount = |bytes: &[u8]| Ok::<_, Error>(i128::from_le_bytes(sixteen(bytes)?));
            let (reported, derived) = (amount(&self.reported_compared)?, amount(&self.derived_compared)?);
            series.compared = Compared { reported, derived };
        }
        for SavedCount { reason, count } in self.unpriced {
            let place = UNPRICED.iter().position(|known| *known == reason);
            let slot = place.and_then(|place| series.unpriced.get_mut(place));
            *slot.ok_or_else(|| refused(format!("it has an unknown reason {reason:?}")))? = count;
        }
        restore(&mut series.duration_ns, self.duration_ns)?;
        restore(&mut series.input_tokens, self.input_tokens)?;
        restore(&mut series.output_tokens, self.output_tokens)?;
        Ok(series)
    }
}

impl SavedLabels {
    fn of(key: &Key) -> Self {
        let labels = crate::series::labels(key).into_iter();
        let labels =
            labels.map(|(name, value)| SavedLabel { name: name.to_owned(), value: value.to_owned() });
        Self { labels: labels.collect() }
    }

    fn values(&self) -> Result<[&str; LABELS], Error> {
        let mut values = [""; LABELS];
        for SavedLabel { name, value } in &self.labels {
            let place = LABEL_NAMES.iter().position(|known| known == name);
            let slot = place.and_then(|place| values.get_mut(place));
            *slot.ok_or_else(|| refused(format!("it has an unknown label {name:?}")))? = value;
        }
        Ok(values)
    }
}

impl SavedHistogram {
    fn of(histogram: &Histogram) -> Self {
        Self { counts: histogram.counts.to_vec(), sum: histogram.sum.to_le_bytes().to_vec() }
    }
}

fn restore(histogram: &mut Histogram, saved: Option<SavedHistogram>) -> Result<(), Error> {
    let saved = saved.ok_or_else(|| refused("a histogram is missing"))?;
    if saved.counts.len() != histogram.counts.len() {
        return Err(refused("a histogram has another number of buckets"));
    }
    histogram.counts = saved.counts.into();
    histogram.sum = u128::from_le_bytes(sixteen(&saved.sum)?);
    Ok(())
}

pub(crate) fn sixteen(bytes: &[u8]) -> Result<[u8; 16], Error> {
    bytes.try_into().map_err(|_| refused("a sum does not have 16 bytes"))
}

pub(crate) fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(format!("take back the state of genai_metrics: {why}"))
}
