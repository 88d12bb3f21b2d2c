//! An object store in memory: it answers late, wrongly or not at all, and what was given up may still arrive.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fastrand::Rng;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::clock::WorldClock;
use crate::disk::SimulatedDisk;
use crate::lock;
use crate::trace::{Trace, digest};

/// What is wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreTrouble {
    /// Nobody answers.
    Away,
    /// It refuses: busy, conflicts, no access, no bucket.
    Storm,
    /// It does what it is asked, and the answer is lost, or it does it much later.
    Lossy,
}

/// The store, which outlives the process. Clones are the same one, as of one life of the process.
#[derive(Clone)]
pub(crate) struct SimulatedStore {
    state: Arc<Mutex<State>>,
    clock: Arc<WorldClock>,
    trace: Trace,
    disk: SimulatedDisk,
}

struct State {
    random: Rng,
    objects: BTreeMap<String, Bytes>,
    /// What is on its way, by when it arrives.
    coming: BTreeMap<(Duration, u64), Put>,
    /// Whether an upload found the name free, by its number.
    arrived: BTreeMap<u64, bool>,
    puts: u64,
    trouble: Option<StoreTrouble>,
    ignores_conditions: bool,
    /// How often what happened, for the record.
    seen: Seen,
}

struct Put {
    path: String,
    content: Bytes,
    is_conditional: bool,
}

/// How often the store did what.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) lost_answers: u64,
    pub(crate) late_puts: u64,
    pub(crate) refusals: u64,
    pub(crate) denials: u64,
    pub(crate) unanswered: u64,
    pub(crate) overwritten: u64,
}

/// What becomes of an upload.
enum Fate {
    Works,
    AnswerLost,
    Late,
    Fails(Error),
}

impl SimulatedStore {
    pub(crate) fn new(
        random: Rng,
        clock: Arc<WorldClock>,
        trace: Trace,
        disk: SimulatedDisk,
        ignores_conditions: bool,
    ) -> Self {
        let state = State {
            random,
            objects: BTreeMap::new(),
            coming: BTreeMap::new(),
            arrived: BTreeMap::new(),
            puts: 0,
            trouble: None,
            ignores_conditions,
            seen: Seen::default(),
        };
        Self { state: Arc::new(Mutex::new(state)), clock, trace, disk }
    }

    /// The store as the next life of the process sees it.
    pub(crate) fn next_life(&self, disk: &SimulatedDisk) -> Self {
        Self { disk: disk.clone(), ..self.clone() }
    }

    pub(crate) fn set_trouble(&self, trouble: Option<StoreTrouble>) {
        self.state().trouble = trouble;
    }

    /// What is stored once everything that is on its way has arrived.
    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        self.land(Duration::MAX);
        self.state().objects.clone()
    }

    pub(crate) fn seen(&self) -> Seen {
        self.state().seen
    }

    /// Lets arrive what is due.
    fn land(&self, now: Duration) {
        let mut state = self.state();
        while let Some(first) = state.coming.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, number), put) = first.remove_entry();
            let is_free = !state.objects.contains_key(&put.path);
            let is_stored = is_free || !put.is_conditional;
            state.seen.overwritten += u64::from(is_stored && !is_free);
            self.trace.tell(format_args!(
                "store: upload {number} of {} arrives, {}",
                put.path,
                if is_stored { "stored" } else { "there is one" }
            ));
            if is_stored {
                state.objects.insert(put.path, put.content);
            }
            state.arrived.insert(number, is_stored);
        }
    }

    /// Takes time, and for ever once the process is dead.
    async fn answer_after(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
        if self.disk.is_dead() {
            std::future::pending::<()>().await;
        }
        self.land(self.clock.elapsed());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn fate(&mut self, path: &Path) -> Fate {
        match self.trouble {
            None => Fate::Works,
            Some(StoreTrouble::Away) => {
                self.seen.unanswered += 1;
                Fate::Fails(generic("connection refused"))
            }
            Some(StoreTrouble::Storm) => Fate::Fails(self.refusal(path)),
            Some(StoreTrouble::Lossy) => match self.random.u8(..3) {
                0 => Fate::Works,
                1 => Fate::AnswerLost,
                _ => Fate::Late,
            },
        }
    }

    fn refusal(&mut self, path: &Path) -> Error {
        self.seen.refusals += 1;
        let (path, source) = (path.to_string(), "as told".into());
        match self.random.u8(..7) {
            0 => Error::AlreadyExists { path, source },
            1 => Error::Precondition { path, source },
            2 => generic("429 Too Many Requests"),
            3 => generic("500 Internal Server Error"),
            4 => generic("503 Slow Down"),
            5 => {
                self.seen.denials += 1;
                Error::PermissionDenied { path, source }
            }
            _ => {
                self.seen.denials += 1;
                Error::NotFound { path, source }
            }
        }
    }
}

fn generic(text: &str) -> Error {
    Error::Generic { store: "S3", source: text.into() }
}

impl fmt::Display for SimulatedStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("simulated")
    }
}

impl fmt::Debug for SimulatedStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("simulated")
    }
}

#[async_trait]
impl ObjectStore for SimulatedStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if self.disk.is_dead() {
            std::future::pending::<()>().await;
        }
        let now = self.clock.elapsed();
        self.land(now);
        let content = Bytes::from(payload);
        let (number, fate, wait) = {
            let mut state = self.state();
            state.puts += 1;
            let (number, fate) = (state.puts, state.fate(path));
            let wait = Duration::from_millis(state.random.u64(2..300));
            let arrives = match &fate {
                Fate::Fails(_) => None,
                Fate::Works | Fate::AnswerLost => Some(now + wait / 2),
                Fate::Late => Some(now + Duration::from_millis(state.random.u64(1_000..600_000))),
            };
            let is_conditional = options.mode == PutMode::Create && !state.ignores_conditions;
            if let Some(arrives) = arrives {
                let put = Put { path: path.to_string(), content: content.clone(), is_conditional };
                state.coming.insert((arrives, number), put);
            }
            (number, fate, wait)
        };
        self.trace.tell(format_args!(
            "store: upload {number} of {path}, {} bytes ({:016x}): {}",
            content.len(),
            digest(&content),
            match &fate {
                Fate::Works => "works".to_owned(),
                Fate::AnswerLost => "its answer is lost".to_owned(),
                Fate::Late => "comes late".to_owned(),
                Fate::Fails(error) => error.to_string(),
            }
        ));
        self.answer_after(wait).await;
        let is_stored = self.state().arrived.get(&number).copied();
        let mut state = self.state();
        match (fate, is_stored) {
            (Fate::Works, Some(true)) => Ok(PutResult { e_tag: None, version: None }),
            (Fate::Works, _) => {
                Err(Error::AlreadyExists { path: path.to_string(), source: "there is one".into() })
            }
            (Fate::AnswerLost, _) => {
                state.seen.lost_answers += 1;
                Err(generic("connection reset"))
            }
            (Fate::Late, _) => {
                state.seen.late_puts += 1;
                Err(generic("timed out"))
            }
            (Fate::Fails(error), _) => Err(error),
        }
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        if self.disk.is_dead() {
            std::future::pending::<()>().await;
        }
        let wait = Duration::from_millis(self.state().random.u64(2..100));
        self.answer_after(wait).await;
        let fate = self.state().fate(path);
        let found = match fate {
            Fate::Fails(error) => Err(error),
            Fate::AnswerLost | Fate::Late => Err(generic("connection reset")),
            Fate::Works => {
                let missing = || Error::NotFound { path: path.to_string(), source: "nothing there".into() };
                self.state().objects.get(path.as_ref()).cloned().ok_or_else(missing)
            }
        };
        let said = found.as_ref().map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        self.trace.tell(format_args!("store: read {path}: {said}"));
        let content = found?;
        let size = content.len() as u64;
        let start = match options.range {
            Some(GetRange::Suffix(bytes)) => size.saturating_sub(bytes),
            _ => 0,
        };
        let part = content.slice(usize::try_from(start).unwrap_or_default()..);
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async move { Ok(part) }).boxed()),
            meta: ObjectMeta {
                location: path.clone(),
                last_modified: Default::default(),
                size,
                e_tag: None,
                version: None,
            },
            range: start..size,
            attributes: Default::default(),
        })
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(generic("files are uploaded in one request"))
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(generic("nothing is ever deleted")) }).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(async { Err(generic("nothing is ever listed")) }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(generic("nothing is ever listed"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(generic("nothing is ever copied"))
    }
}
