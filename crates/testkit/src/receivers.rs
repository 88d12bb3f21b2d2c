//! A receiver that hands its intake out to the test.

use async_trait::async_trait;
use spanledger_component::{Context, Error, Intake, Receiver, ReceiverFactory, Signal, Stability};
use tokio_util::sync::CancellationToken;

use crate::scene::{Config, Scene};

/// The receiver type `handed`.
pub struct Handed {
    scene: Scene,
    id: String,
}

impl ReceiverFactory for Handed {
    const TYPE: &'static str = "handed";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Receiver>, Error> {
        let scene = Scene::of(config, context)?;
        Ok(Box::new(Self { scene, id: context.id.to_string() }))
    }
}

#[async_trait]
impl Receiver for Handed {
    async fn start(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Result<(), Error> {
        self.scene.hand_out(&self.id, intake);
        stop.cancelled().await;
        Ok(())
    }
}
