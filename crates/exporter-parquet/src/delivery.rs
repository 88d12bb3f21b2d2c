//! The delivery of a sealed range: every file of it is put where it belongs, once.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use spanledger_component::{Clock as _, Delivery, Error, PlanId, Retry, SystemClock};
use spanledger_faults::{Fault, Point};

use crate::footer;
use crate::meters::Meters;
use crate::range::Sealed;
use crate::store::{Created, Store};

/// A file that is ready.
#[derive(Clone)]
pub(crate) struct Object {
    /// The table it is of.
    pub(crate) table: &'static str,
    /// Its path below the target.
    pub(crate) path: String,
    /// Its content, in pieces.
    pub(crate) content: Vec<Bytes>,
}

/// Delivers a sealed range.
pub(crate) struct Upload {
    store: Arc<Store>,
    plan: PlanId,
    range: Sealed,
    meters: Meters,
    /// Which files are where they belong, so that a repeated attempt goes on with the others.
    done: Vec<AtomicBool>,
}

impl Upload {
    /// The delivery of a range that nothing was done for yet.
    pub(crate) fn new(store: Arc<Store>, plan: PlanId, range: Sealed, meters: Meters) -> Self {
        let done = range.objects.iter().map(|_| AtomicBool::default()).collect();
        Self { store, plan, range, meters, done }
    }

    async fn put(&self, object: &Object) -> Result<(), Retry> {
        match self.store.create(&object.path, &object.content).await? {
            Created::New => Ok(()),
            Created::Exists => self.check(object).await,
        }
    }

    /// A file that is there already is ours when its footer names this plan.
    async fn check(&self, object: &Object) -> Result<(), Retry> {
        let metadata = self.store.footer(&object.path).await?;
        match metadata.as_deref().and_then(footer::plan) {
            Some(plan) if plan == self.plan.to_string() => Ok(()),
            _ => Err(Retry::alarm(self.foreign(object))),
        }
    }

    /// The file under the name that it gets.
    fn named<'object>(&self, object: &'object Object) -> Cow<'object, Object> {
        if !Fault::TimeInFileName.is_planted() {
            return Cow::Borrowed(object);
        }
        let path = object.path.replace(".parquet", &format!("-{}.parquet", SystemClock.now_unix_nano()));
        Cow::Owned(Object { path, ..object.clone() })
    }

    fn foreign(&self, object: &Object) -> Error {
        Error::new(format!(
            "{} exists and is not of this plan ({}): the log was cloned or restored from a backup; the file is left \
             as it is; stop the collector and run `spanledger wal new-identity`",
            self.store.address(&object.path),
            self.plan,
        ))
    }
}

#[async_trait]
impl Delivery for Upload {
    async fn deliver(&self) -> Result<(), Retry> {
        Point::BeforePut.pass();
        for (object, done) in self.range.objects.iter().zip(&self.done) {
            if !done.load(Ordering::Relaxed) {
                self.put(&self.named(object)).await?;
                done.store(true, Ordering::Relaxed);
                Point::BetweenPuts.pass();
                self.meters.file(object.table, object.content.iter().map(Bytes::len).sum());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use object_store::{Error as StoreError, ObjectStore as _, ObjectStoreExt as _, path::Path};
    use parquet::file::metadata::KeyValue;
    use parquet::file::writer::SerializedFileWriter;
    use spanledger_component::{Context, LogId, Plan, Position};
    use spanledger_telemetry::Meter;

    use super::*;
    use crate::bucket::Bucket;
    use crate::fault::{Fault, Faulty};
    use crate::file::File;
    use crate::table::Table;

    const KEY: &str = "lake/v1/spans/one.parquet";

    fn plan(id: u8) -> Plan {
        let (first, last) = (Position(1), Position(2));
        let exporter = "parquet".parse().unwrap();
        Plan { id: PlanId([id; 16]), log: LogId([1; 16]), exporter, first, last, excluded: vec![] }
    }

    /// A delivery of two files with three spans.
    fn upload(store: &Arc<Faulty>, id: u8, meter: &Meter) -> Upload {
        let objects =
            [(Table::content(), "v1/content/one.parquet"), (Table::spans(), "v1/spans/one.parquet")];
        let objects = objects.map(|(table, path)| {
            let content = File::try_new(table).unwrap().finish(&plan(id)).unwrap();
            Object { table: table.name, path: path.to_owned(), content }
        });
        let range = Sealed { objects: objects.into() };
        let context = Context {
            meter: meter.clone(),
            memory_bytes: 1 << 20,
            log: LogId([1; 16]),
            ..Context::new("parquet".parse().unwrap())
        };
        let bucket = Bucket::new(store.clone(), "bucket", "lake");
        Upload::new(Arc::new(Store::Bucket(bucket)), PlanId([id; 16]), range, Meters::new(&context))
    }

    fn sum(meter: &Meter, name: &str) -> f64 {
        let families = meter.collect();
        let family = families.iter().find(|family| family.name == name);
        family.map_or(0.0, |family| family.samples.iter().map(|sample| sample.value).sum())
    }

    async fn stored(store: &Faulty, key: &str) -> Bytes {
        store.inner.get(&Path::from(key)).await.unwrap().bytes().await.unwrap()
    }

    #[tokio::test]
    async fn a_second_attempt_goes_on_where_the_first_one_failed() {
        // The first object is uploaded twice, to see that the store refuses that.
        let faults = [Fault::None, Fault::None, Fault::Unavailable];
        let (store, meter) = (Faulty::with(faults), Meter::default());
        let upload = upload(&store, 7, &meter);
        assert!(!upload.deliver().await.unwrap_err().alarm);
        assert_eq!(sum(&meter, "spanledger_parquet_files"), 1.0);
        upload.deliver().await.unwrap();
        assert_eq!(store.puts(), 4);
        assert_eq!(sum(&meter, "spanledger_parquet_files"), 2.0);
    }

    #[tokio::test]
    async fn an_upload_whose_answer_was_lost_is_found_and_not_repeated() {
        let store = Faulty::with([Fault::AnswerLost]);
        let upload = upload(&store, 7, &Meter::default());
        assert!(!upload.deliver().await.unwrap_err().alarm);
        upload.deliver().await.unwrap();
        upload.deliver().await.unwrap();
        assert_eq!(store.puts(), 3);
    }

    #[tokio::test]
    async fn the_same_plan_carried_out_after_a_crash_is_delivered_with_the_objects_that_are_there() {
        let store = Faulty::with([]);
        upload(&store, 7, &Meter::default()).deliver().await.unwrap();
        upload(&store, 7, &Meter::default()).deliver().await.unwrap();
        let listed = store.inner.list_with_delimiter(Some(&Path::from("lake/v1/spans"))).await.unwrap();
        assert_eq!(listed.objects.len(), 1);
    }

    #[tokio::test]
    async fn an_object_of_another_plan_or_of_somebody_else_is_left_alone_and_raises_the_alarm() {
        let of_another_plan = File::try_new(Table::spans()).unwrap().finish(&plan(8)).unwrap().concat();
        for foreign in [Bytes::from(of_another_plan), "not Parquet".into(), "".into()] {
            let store = Faulty::with([]);
            store.inner.put(&Path::from(KEY), foreign.clone().into()).await.unwrap();
            let retry = upload(&store, 7, &Meter::default()).deliver().await.unwrap_err();
            assert!(retry.alarm);
            assert!(retry.to_string().contains(&format!("s3://bucket/{KEY}")), "{retry}");
            assert!(retry.to_string().contains("spanledger wal new-identity"), "{retry}");
            assert_eq!(stored(&store, KEY).await, foreign);
        }
    }

    #[tokio::test]
    async fn a_footer_longer_than_the_first_look_is_read_whole() {
        let mut content = Vec::new();
        let table = Table::spans();
        let mut writer =
            SerializedFileWriter::new(&mut content, table.parquet.clone(), table.properties.clone()).unwrap();
        writer.append_key_value_metadata(KeyValue::new(
            "long".to_owned(),
            "x".repeat(2 * crate::store::FOOTER_BYTES),
        ));
        writer.append_key_value_metadata(KeyValue::new(footer::PLAN.to_owned(), "07".repeat(16)));
        writer.close().unwrap();
        let store = Faulty::with([]);
        store.inner.put(&Path::from(KEY), content.into()).await.unwrap();
        upload(&store, 7, &Meter::default()).deliver().await.unwrap();
    }

    #[tokio::test]
    async fn what_an_operator_has_to_mend_raises_the_alarm_and_says_what() {
        for (fault, says) in [
            (Fault::Refused, "s3:PutObject"),
            (Fault::NoBucket, "there is no such bucket"),
            (Fault::NoKeys, "set access_key_id"),
        ] {
            let retry = upload(&Faulty::with([fault]), 7, &Meter::default()).deliver().await.unwrap_err();
            assert!(retry.alarm && retry.to_string().contains(says), "{retry}");
        }
    }

    #[tokio::test]
    async fn a_store_without_conditions_gets_the_same_names_and_still_nothing_foreign_is_overwritten() {
        for (store, refusals) in
            [(Faulty::without_conditions(), 0), (Faulty::with([Fault::Unconditional]), 1)]
        {
            let first = upload(&store, 7, &Meter::default());
            first.deliver().await.unwrap();
            // Two objects, and a second try of the first one or a refusal.
            assert_eq!(store.puts(), 3, "{refusals}");
            let foreign = Bytes::from("not Parquet");
            store.inner.put(&Path::from(KEY), foreign.clone().into()).await.unwrap();
            let second = Upload { store: first.store.clone(), ..upload(&store, 7, &Meter::default()) };
            let retry = second.deliver().await.unwrap_err();
            assert!(retry.alarm && retry.to_string().contains("spanledger wal new-identity"), "{retry}");
            assert_eq!(stored(&store, KEY).await, foreign);
            assert_eq!(store.puts(), 3);
        }
    }

    #[tokio::test]
    async fn an_object_that_is_being_made_by_somebody_else_is_looked_at_later() {
        let store = Faulty::with([Fault::Conflict]);
        let upload = upload(&store, 7, &Meter::default());
        assert!(!upload.deliver().await.unwrap_err().alarm);
        upload.deliver().await.unwrap();
    }

    #[tokio::test]
    async fn the_memory_store_refuses_a_second_object_as_s3_does() {
        let (store, path) = (InMemory::new(), Path::from(KEY));
        let create = || object_store::PutOptions::from(object_store::PutMode::Create);
        store.put_opts(&path, "one".into(), create()).await.unwrap();
        let second = store.put_opts(&path, "two".into(), create()).await;
        assert!(matches!(second, Err(StoreError::AlreadyExists { .. })));
    }
}
