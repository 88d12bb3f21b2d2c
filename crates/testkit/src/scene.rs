//! Fake components that a test can script and look into: a receiver, an exporter, a connector and a processor, which
//! find the test's [`Scene`] by the name in their settings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prost::Message as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spanledger_component::{Accepted, Context, Error, Intake, Refused, Registry, Request, Signal};
use tokio::sync::watch;

use crate::{connectors, exporters, processors, receivers, spans};

/// Where fakes meet the test. What their targets took outlives the collector, as an object store would.
#[derive(Clone)]
pub struct Scene(Arc<Shared>);

struct Shared {
    name: String,
    intakes: watch::Sender<BTreeMap<String, Intake>>,
    targets: Mutex<BTreeMap<String, exporters::Target>>,
    counted: Mutex<BTreeMap<String, connectors::Counted>>,
}

/// The settings of every fake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The scene's name.
    pub scene: String,
    /// Of an exporter: how many rows it holds before it is full; 0: it delivers at once and holds nothing.
    pub holds: usize,
    /// Of a processor: what it puts behind the name of a span.
    pub suffix: String,
    /// Of a connector: whether it counts what it otherwise panics on.
    pub is_lenient: bool,
}

/// Every scene there is; a scene stays as long as the process, which is a test.
static SCENES: Mutex<BTreeMap<String, Scene>> = Mutex::new(BTreeMap::new());
static MADE: AtomicU64 = AtomicU64::new(1);

impl Scene {
    /// A scene of its own.
    #[expect(clippy::new_without_default, reason = "each is another one, and stays registered")]
    pub fn new() -> Self {
        let name = format!("scene-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let scene = Self(Arc::new(Shared {
            name: name.clone(),
            intakes: watch::channel(BTreeMap::new()).0,
            targets: Mutex::default(),
            counted: Mutex::default(),
        }));
        lock(&SCENES).insert(name, scene.clone());
        scene
    }

    /// Its name, which the settings of fakes say.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The fakes: receiver `handed`, processor `suffixing`, connector `counting`, exporter `scripted`.
    pub fn registry() -> Registry {
        Registry::default()
            .with_receiver::<receivers::Handed>()
            .with_processor::<processors::Suffixing>()
            .with_connector::<connectors::Counting>()
            .with_exporter::<exporters::Scripted>()
    }

    /// The target of the exporter of that id, to script it and to see what it took. A replay into the exporter has it, too.
    pub fn target(&self, exporter: &str) -> exporters::Target {
        let exporter = exporter.split_once("-replay-").map_or(exporter, |(replayed, _)| replayed);
        lock(&self.0.targets).entry(exporter.to_owned()).or_default().clone()
    }

    /// What the connector of that id handed out.
    pub fn counted(&self, connector: &str) -> connectors::Counted {
        lock(&self.0.counted).entry(connector.to_owned()).or_default().clone()
    }

    /// Waits until the receiver of that id runs, and takes its intake.
    pub async fn intake(&self, receiver: &str) -> Intake {
        let mut intakes = self.0.intakes.subscribe();
        loop {
            if let Some(intake) = intakes.borrow_and_update().get(receiver) {
                return intake.clone();
            }
            // The scene holds the sender, so this cannot fail.
            let _ = intakes.changed().await;
        }
    }

    pub(crate) fn hand_out(&self, receiver: &str, intake: Intake) {
        self.0.intakes.send_modify(|intakes| drop(intakes.insert(receiver.to_owned(), intake)));
    }

    /// Forgets the intakes of a collector that ended, so that the next one's are waited for.
    pub fn forget_intakes(&self) {
        self.0.intakes.send_modify(BTreeMap::clear);
    }

    /// Sends a request with a span of each of these names by the receiver `handed`, as one record.
    pub async fn send(&self, names: &[&str]) -> Result<Accepted, Refused> {
        let mut request = spans::request(names.len(), 0, 0);
        let scopes = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
        for (span, name) in scopes.flat_map(|scope| &mut scope.spans).zip(names) {
            span.name = (*name).to_owned();
        }
        let intake = self.intake("handed").await;
        let body = Bytes::from(request.encode_to_vec());
        let room = intake.reserve(body.len()).await?;
        intake.accept(Request { signal: Signal::Traces, body }, room).await
    }

    pub(crate) fn of(config: &Config, context: &Context) -> Result<Self, Error> {
        let unknown = || Error::new(format!("{}: there is no scene {:?}", context.id, config.scene));
        lock(&SCENES).get(&config.scene).cloned().ok_or_else(unknown)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
