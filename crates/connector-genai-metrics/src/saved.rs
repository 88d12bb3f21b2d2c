//! What waits, and what is known of earlier calls, as messages of a checkpoint.

use prost::Message;
use spanledger_component::Error;

use crate::call::{Compared, Cost, UNPRICED};
use crate::settling::{Limits, Settling, Tally, Waits};
use crate::snapshot::{refused, sixteen};
use crate::waiting::{Identity, Usage, Waiting, Wrapper};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SavedSettling {
    #[prost(int64, tag = "1")]
    log_unix_nano: i64,
    #[prost(int64, tag = "2")]
    began_unix_nano: i64,
    /// In the order of [`tally_fields`].
    #[prost(uint64, repeated, tag = "3")]
    tally: Vec<u64>,
    /// In the order of arrival.
    #[prost(message, repeated, tag = "4")]
    waiting: Vec<SavedSpan>,
    #[prost(message, optional, tag = "5")]
    parents: Option<SavedRecent>,
    #[prost(message, optional, tag = "6")]
    marks: Option<SavedRecent>,
    #[prost(message, optional, tag = "7")]
    known: Option<SavedRecent>,
}

/// Columns, oldest first.
#[derive(Clone, PartialEq, Message)]
struct SavedRecent {
    #[prost(fixed64, repeated, tag = "1")]
    hashes: Vec<u64>,
    /// Since the entry before.
    #[prost(sint64, repeated, tag = "2")]
    nanos_since: Vec<i64>,
    /// Empty where the hashes say all.
    #[prost(fixed64, repeated, tag = "3")]
    values: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedSpan {
    #[prost(fixed64, tag = "1")]
    trace: u64,
    #[prost(fixed64, tag = "2")]
    span: u64,
    #[prost(fixed64, optional, tag = "3")]
    parent: Option<u64>,
    #[prost(bytes = "vec", tag = "4")]
    trace_id: Vec<u8>,
    #[prost(fixed64, tag = "5")]
    span_id: u64,
    #[prost(int64, tag = "6")]
    received_unix_nano: i64,
    #[prost(int64, tag = "7")]
    arrived_unix_nano: i64,
    #[prost(message, repeated, tag = "8")]
    usage: Vec<SavedFigure>,
    /// Units of 1e-12 USD: 16 bytes, little endian; absent when there is no cost.
    #[prost(bytes = "vec", optional, tag = "9")]
    cost: Option<Vec<u8>>,
    /// Absent for a wrapper.
    #[prost(message, optional, tag = "10")]
    call: Option<SavedCall>,
}

/// A figure of the usage by its place: input, output, then the details.
#[derive(Clone, PartialEq, Message)]
struct SavedFigure {
    #[prost(uint32, tag = "1")]
    place: u32,
    #[prost(int64, tag = "2")]
    tokens: i64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedCall {
    #[prost(bytes = "vec", tag = "1")]
    labels: Vec<u8>,
    #[prost(fixed64, optional, tag = "2")]
    response: Option<u64>,
    #[prost(fixed64, tag = "3")]
    model: u64,
    #[prost(fixed64, tag = "4")]
    instance: u64,
    #[prost(fixed64, tag = "5")]
    scope: u64,
    #[prost(fixed64, tag = "6")]
    kind: u64,
    // Tag 7 is in older checkpoints: whether the kind is that of a model that answers.
    #[prost(bool, tag = "8")]
    is_error: bool,
    #[prost(bool, tag = "9")]
    is_estimated: bool,
    #[prost(int64, tag = "10")]
    start_unix_nano: i64,
    #[prost(int64, tag = "11")]
    duration_ns: i64,
    /// Why there is no cost.
    #[prost(string, tag = "12")]
    unpriced: String,
    /// 16 bytes, little endian, where it is compared with the derived cost.
    #[prost(bytes = "vec", optional, tag = "13")]
    reported_cost: Option<Vec<u8>>,
}

impl SavedSettling {
    pub(crate) fn of(settling: &Settling) -> Self {
        let mut tally = settling.tally;
        Self {
            log_unix_nano: settling.log_unix_nano,
            began_unix_nano: settling.began_unix_nano,
            tally: tally_fields(&mut tally).into_iter().map(|field| *field).collect(),
            waiting: settling.waiting().map(SavedSpan::of).collect(),
            parents: Some(SavedRecent::of(settling.lineage.parents.iter())),
            marks: Some(SavedRecent::of(
                settling.lineage.marks.iter().map(|(hash, time, marks)| (hash, time, u64::from(marks))),
            )),
            known: Some(SavedRecent {
                values: Vec::new(),
                ..SavedRecent::of(settling.known.iter().map(|(hash, time, ())| (hash, time, 0)))
            }),
        }
    }

    pub(crate) fn settling(self, limits: Limits) -> Result<Settling, Error> {
        let mut settling = Settling::new(limits);
        settling.log_unix_nano = self.log_unix_nano;
        settling.began_unix_nano = self.began_unix_nano;
        for (field, saved) in tally_fields(&mut settling.tally).into_iter().zip(self.tally) {
            *field = saved;
        }
        for (hash, unix_nano, parent) in self.parents.unwrap_or_default().entries() {
            settling.lineage.parents.insert(hash, unix_nano, parent);
        }
        for (hash, unix_nano, marks) in self.marks.unwrap_or_default().entries() {
            let marks = u8::try_from(marks).map_err(|_| refused("it has an unknown mark"))?;
            settling.lineage.marks.insert(hash, unix_nano, marks);
        }
        for (hash, unix_nano, _) in self.known.unwrap_or_default().entries() {
            settling.known.insert(hash, unix_nano, ());
        }
        for mut saved in self.waiting {
            match saved.call.take() {
                Some(call) => settling.keep_call(call.waiting(saved)?),
                None => settling.keep_wrapper(saved.wrapper()?),
            }
        }
        Ok(settling)
    }
}

fn tally_fields(tally: &mut Tally) -> [&mut u64; 6] {
    let Tally {
        merged_spans,
        late_spans,
        early_calls,
        forgotten_ids,
        unattributed_input_tokens,
        unattributed_output_tokens,
    } = tally;
    [
        merged_spans,
        late_spans,
        early_calls,
        forgotten_ids,
        unattributed_input_tokens,
        unattributed_output_tokens,
    ]
}

impl SavedRecent {
    fn of(entries: impl Iterator<Item = (u64, i64, u64)>) -> Self {
        let (mut saved, mut before) = (Self::default(), 0);
        for (hash, unix_nano, value) in entries {
            saved.hashes.push(hash);
            saved.nanos_since.push(unix_nano.wrapping_sub(before));
            saved.values.push(value);
            before = unix_nano;
        }
        saved
    }

    fn entries(self) -> impl Iterator<Item = (u64, i64, u64)> {
        let times = self.nanos_since.into_iter().scan(0_i64, |time, since| {
            *time = time.wrapping_add(since);
            Some(*time)
        });
        let values = self.values.into_iter().chain(std::iter::repeat(0));
        self.hashes.into_iter().zip(times).zip(values).map(|((hash, time), value)| (hash, time, value))
    }
}

impl SavedSpan {
    fn of(waits: Waits<'_>) -> Self {
        match waits {
            Waits::Call(call) => {
                let cost = match call.cost {
                    Cost::Priced(cost) => Some(cost),
                    Cost::Unpriced(_) => None,
                };
                Self { call: Some(SavedCall::of(call)), ..Self::with(&call.identity, &call.usage, cost) }
            }
            Waits::Wrapper(wrapper) => Self::with(&wrapper.identity, &wrapper.usage, wrapper.cost),
        }
    }

    fn with(identity: &Identity, usage: &Usage, cost: Option<i128>) -> Self {
        let figures = (0..).zip(usage.all());
        Self {
            trace: identity.trace,
            span: identity.span,
            parent: identity.parent,
            trace_id: identity.ids.0.to_le_bytes().to_vec(),
            span_id: identity.ids.1,
            received_unix_nano: identity.received_unix_nano,
            arrived_unix_nano: identity.arrived_unix_nano,
            usage: figures
                .filter_map(|(place, tokens)| Some(SavedFigure { place, tokens: tokens? }))
                .collect(),
            cost: cost.map(|cost| cost.to_le_bytes().to_vec()),
            call: None,
        }
    }

    fn identity(&self) -> Result<Identity, Error> {
        Ok(Identity {
            trace: self.trace,
            span: self.span,
            parent: self.parent,
            ids: (u128::from_le_bytes(sixteen(&self.trace_id)?), self.span_id),
            received_unix_nano: self.received_unix_nano,
            arrived_unix_nano: self.arrived_unix_nano,
        })
    }

    fn usage(&self) -> Usage {
        let figure = |wanted: usize| {
            let is_wanted = |figure: &&SavedFigure| usize::try_from(figure.place) == Ok(wanted);
            self.usage.iter().find(is_wanted).map(|figure| figure.tokens)
        };
        Usage {
            input_tokens: figure(0),
            output_tokens: figure(1),
            details: std::array::from_fn(|place| figure(2 + place)),
        }
    }

    fn priced(&self) -> Result<Option<i128>, Error> {
        self.cost.as_ref().map(|cost| Ok(i128::from_le_bytes(sixteen(cost)?))).transpose()
    }

    fn wrapper(&self) -> Result<Wrapper, Error> {
        Ok(Wrapper { identity: self.identity()?, usage: self.usage(), cost: self.priced()? })
    }
}

impl SavedCall {
    fn of(call: &Waiting) -> Self {
        let unpriced = match call.cost {
            Cost::Priced(_) => "",
            Cost::Unpriced(reason) => UNPRICED.get(reason).copied().unwrap_or_default(),
        };
        Self {
            labels: call.labels.to_vec(),
            response: call.response,
            model: call.model,
            instance: call.instance,
            scope: call.scope,
            kind: call.kind,
            is_error: call.is_error,
            is_estimated: call.is_estimated,
            start_unix_nano: call.start_unix_nano,
            duration_ns: call.duration_ns,
            unpriced: unpriced.to_owned(),
            reported_cost: call.compared.map(|compared| compared.reported.to_le_bytes().to_vec()),
        }
    }

    fn waiting(self, span: SavedSpan) -> Result<Waiting, Error> {
        let reason = || UNPRICED.iter().position(|reason| *reason == self.unpriced);
        let unpriced =
            || reason().ok_or_else(|| refused(format!("it has an unknown reason {:?}", self.unpriced)));
        let cost = match span.priced()? {
            Some(cost) => Cost::Priced(cost),
            None => Cost::Unpriced(unpriced()?),
        };
        let compared = match (&self.reported_cost, cost) {
            (Some(reported), Cost::Priced(derived)) => {
                Some(Compared { reported: i128::from_le_bytes(sixteen(reported)?), derived })
            }
            _ => None,
        };
        Ok(Waiting {
            identity: span.identity()?,
            response: self.response,
            model: self.model,
            instance: self.instance,
            scope: self.scope,
            kind: self.kind,
            is_error: self.is_error,
            is_estimated: self.is_estimated,
            start_unix_nano: self.start_unix_nano,
            duration_ns: self.duration_ns,
            usage: span.usage(),
            cost,
            compared,
            labels: self.labels.into(),
        })
    }
}
