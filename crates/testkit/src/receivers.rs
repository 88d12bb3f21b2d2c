//! A receiver that hands its intake out to the test.

use async_trait::async_trait;
use spanledger_component::{Context, Error, Intake, Receiver, ReceiverFactory, Signal, Stability};
use tokio_util::sync::CancellationToken;

use crate::scene::{Scene, Settings};

/// The receiver type `handed`.
#[derive(Debug)]
pub struct Handed;

impl ReceiverFactory for Handed {
    const TYPE: &'static str = "handed";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Alpha;
    type Config = Settings;

    fn build(settings: &Settings, context: &Context) -> Result<Box<dyn Receiver>, Error> {
        let scene = Scene::of(settings, context)?;
        Ok(Box::new(Hands { scene, id: context.id.to_string() }))
    }
}

struct Hands {
    scene: Scene,
    id: String,
}

#[async_trait]
impl Receiver for Hands {
    async fn start(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Result<(), Error> {
        self.scene.hand_out(&self.id, intake);
        stop.cancelled().await;
        Ok(())
    }
}
