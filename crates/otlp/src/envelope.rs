//! Resources and scopes: each distinct one of a batch is read once, and its row repeated for every item it holds.

use std::hash::{Hash as _, Hasher as _};

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_schema::ArrowError;
use arrow_select::take::take;
use rustc_hash::{FxHashMap, FxHasher};
use spanledger_schema::{Column, Kind, Table};

use crate::attributes::{AttributesColumn, append_value};
use crate::block::{Block, Placed};
use crate::columns::Columns;
use crate::error::Fault;
use crate::fields::DEPTH_MAX;
use crate::text::TextColumn;
use crate::value::Pair;
use crate::wire::{Cursor, Merged, Raw, Slice, Wire};

/// The field of an envelope that holds what it envelops, of `ResourceSpans` and `ScopeSpans` and their siblings alike.
pub(crate) const CHILDREN: u32 = 2;

/// The distinct resources of a batch.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    known: FxHashMap<u64, u32>,
    pub(crate) service_name: TextColumn,
    pub(crate) service_namespace: TextColumn,
    pub(crate) service_version: TextColumn,
    pub(crate) service_instance_id: TextColumn,
    pub(crate) deployment_environment: TextColumn,
    pub(crate) attributes: AttributesColumn,
    pub(crate) schema_url: TextColumn,
    pub(crate) wire: TextColumn,
}

/// The distinct scopes of a batch.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    known: FxHashMap<u64, u32>,
    pub(crate) name: TextColumn,
    pub(crate) version: TextColumn,
    pub(crate) attributes: AttributesColumn,
    pub(crate) schema_url: TextColumn,
    pub(crate) wire: TextColumn,
    /// The row of the resource of each.
    pub(crate) resource: Vec<u32>,
}

/// A message of an envelope (its resource, or its scope) and its schema URL.
struct Opened {
    message: Placed,
    schema_url: Option<(usize, usize)>,
    envelope: Placed,
}

impl Opened {
    fn read(block: &Block, envelope: Merged) -> Result<Self, Fault> {
        let envelope = envelope.placed(block);
        let mut fields = envelope.fields();
        let (mut message, mut schema_url) = (Merged::Absent, None);
        while !fields.is_done() {
            let key = fields.key()?;
            match (key.number, fields.value(key, DEPTH_MAX)?) {
                (1, Raw::Bytes(slice)) => message.add(slice),
                (3, Raw::Bytes(slice)) => schema_url = Some((slice.offset, slice.bytes.len())),
                _ => {}
            }
        }
        let message = message.placed(&envelope.block);
        Ok(Self { message, schema_url, envelope })
    }

    fn schema_url(&self) -> Option<Slice<'_>> {
        let (offset, length) = self.schema_url?;
        let bytes = self.envelope.block.buffer.get(offset..offset + length)?;
        Some(Slice { bytes, offset }).filter(|url| !url.bytes.is_empty())
    }
}

impl Resources {
    /// The row of the resource whose `ResourceSpans` or `ResourceLogs` has these fields.
    pub(crate) fn intern(&mut self, block: &Block, fields: Cursor) -> Result<u32, Fault> {
        let envelope = envelope(fields)?;
        let hash = hash(0, envelope.bytes());
        if let Some(&row) = self.known.get(&hash)
            && self.wire.read(row as usize, |wire| wire == envelope.bytes())
        {
            return Ok(row);
        }
        let row = self.wire.len() as u32;
        self.known.insert(hash, row);
        self.append(&Opened::read(block, envelope)?)?;
        Ok(row)
    }

    fn append(&mut self, opened: &Opened) -> Result<(), Fault> {
        let block = &opened.message.block;
        let mut found: [Option<(Pair, Cursor)>; SPECIAL_KEYS.len()] = Default::default();
        opened.message.fields().each(1, |fields| {
            let pair = Pair::read(fields)?;
            let special = SPECIAL_KEYS.iter().position(|key| *key == pair.key.bytes);
            match special.and_then(|special| found.get_mut(special)) {
                Some(place) => *place = Some((pair, fields)),
                None => self.attributes.append_pair(block, &pair, fields)?,
            }
            Ok(())
        })?;
        self.append_special(block, found)?;
        self.attributes.close();
        self.schema_url.append_option(&opened.envelope.block, opened.schema_url());
        self.wire.append(&opened.envelope.block, opened.envelope.fields().rest());
        Ok(())
    }

    fn append_special(
        &mut self,
        block: &Block,
        found: [Option<(Pair, Cursor)>; SPECIAL_KEYS.len()],
    ) -> Result<(), Fault> {
        let [name, namespace, version, instance, environment, mut old_environment] = found;
        let environment = environment.or_else(|| old_environment.take());
        let columns = [
            (&mut self.service_name, name, Some(UNKNOWN_SERVICE)),
            (&mut self.service_namespace, namespace, None),
            (&mut self.service_version, version, None),
            (&mut self.service_instance_id, instance, None),
            (&mut self.deployment_environment, environment, None),
        ];
        for (column, value, default) in columns {
            match (value, default) {
                (Some((pair, fields)), _) => {
                    let is_text = append_value(column, block, &pair.value, fields)?;
                    if !is_text {
                        self.attributes.append_pair(block, &pair, fields)?;
                    }
                }
                (None, Some(default)) => column.append_copy(default),
                (None, None) => column.append_null(),
            }
        }
        old_environment.map_or(Ok(()), |(pair, fields)| self.attributes.append_pair(block, &pair, fields))
    }
}

const UNKNOWN_SERVICE: &[u8] = b"unknown_service";

/// The attributes of a resource that are columns.
const SPECIAL_KEYS: [&[u8]; 6] = [
    b"service.name",
    b"service.namespace",
    b"service.version",
    b"service.instance.id",
    b"deployment.environment.name",
    b"deployment.environment",
];

impl Scopes {
    /// The row of the scope whose `ScopeSpans` or `ScopeLogs` has these fields, within the given resource.
    pub(crate) fn intern(
        &mut self,
        block: &Block,
        fields: Cursor,
        resource: u32,
        resources: &Resources,
    ) -> Result<u32, Fault> {
        let envelope = envelope(fields)?;
        let hash = hash(resource, envelope.bytes());
        if let Some(&row) = self.known.get(&hash)
            && self.resource.get(row as usize) == Some(&resource)
            && self.wire.read(row as usize, |wire| wire == envelope.bytes())
        {
            return Ok(row);
        }
        let row = self.wire.len() as u32;
        self.known.insert(hash, row);
        self.resource.push(resource);
        let opened = Opened::read(block, envelope)?;
        match opened.schema_url() {
            Some(url) => self.schema_url.append(&opened.envelope.block, url),
            None => resources.schema_url.read(resource as usize, |url| match url {
                [] => self.schema_url.append_null(),
                url => self.schema_url.append_copy(url),
            }),
        }
        self.append(&opened)?;
        Ok(row)
    }

    fn append(&mut self, opened: &Opened) -> Result<(), Fault> {
        let block = &opened.message.block;
        let mut fields = opened.message.fields();
        let (mut name, mut version) = (None, None);
        while !fields.is_done() {
            let key = fields.key()?;
            match (key.number, fields.value(key, DEPTH_MAX)?) {
                (1, Raw::Bytes(slice)) => name = Some(slice),
                (2, Raw::Bytes(slice)) => version = Some(slice),
                (3, Raw::Bytes(slice)) => {
                    self.attributes.append(block, fields.inside(slice))?;
                }
                _ => {}
            }
        }
        self.name.append_option(block, name);
        self.version.append_option(block, version);
        self.attributes.close_optional();
        self.wire.append(&opened.envelope.block, opened.envelope.fields().rest());
        Ok(())
    }
}

/// The bytes of an envelope without its children.
fn envelope(mut fields: Cursor<'_>) -> Result<Merged<'_>, Fault> {
    let mut envelope = Merged::Absent;
    let mut run = fields;
    while !fields.is_done() {
        let before = fields;
        let key = fields.key()?;
        fields.value(key, DEPTH_MAX)?;
        if key.number == CHILDREN && key.wire == Wire::Length {
            envelope.add(run.until(&before));
            run = fields;
        }
    }
    envelope.add(run.until(&fields));
    Ok(envelope)
}

fn hash(resource: u32, bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    (resource, bytes).hash(&mut hasher);
    hasher.finish()
}

/// The rows to repeat for each item.
pub(crate) struct Repeated {
    pub(crate) rows: UInt32Array,
}

impl Repeated {
    /// Puts a column with the row of each item.
    pub(crate) fn put<T: Table, K: Kind>(
        &self,
        columns: &mut Columns<T>,
        column: Column<K>,
        distinct: &dyn Array,
    ) -> Result<(), ArrowError> {
        let array: ArrayRef = take(distinct, &self.rows, None)?;
        columns.put_array(column, array);
        Ok(())
    }
}
