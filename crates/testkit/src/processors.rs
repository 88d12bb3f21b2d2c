//! A processor whose settings show in the rows it makes.

use arrow_array::{Array as _, StringViewArray};
use spanledger_component::{Context, Error, Processor, ProcessorFactory, Rows, Signal, Stability};
use spanledger_schema::{Table as _, spans};

use crate::scene::Config;

/// The processor type `suffixing`: puts its suffix behind the name of every span. It fails on spans named `unfit` and
/// panics on spans named `poison`.
pub struct Suffixing(String);

impl ProcessorFactory for Suffixing {
    const TYPE: &'static str = "suffixing";
    const SIGNALS: &'static [Signal] = &[Signal::Traces];
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn build(config: &Config, _context: &Context) -> Result<Box<dyn Processor>, Error> {
        Ok(Box::new(Self(config.suffix.clone())))
    }
}

impl Processor for Suffixing {
    #[expect(clippy::panic, reason = "that is what it is for")]
    fn process(&self, rows: Rows) -> Result<Rows, Error> {
        let Rows::Spans(rows) = rows else { return Ok(rows) };
        let names = rows.get(spans::NAME);
        for row in 0..names.len() {
            match names.value(row) {
                "unfit" => return Err(Error::new("a span is named unfit")),
                "poison" => panic!("a span is named poison"),
                _ => {}
            }
        }
        let suffixed = names.iter().map(|name| Some(format!("{}{}", name.unwrap_or_default(), self.0)));
        let suffixed: StringViewArray = suffixed.collect();
        let rows = rows.with(vec![spans::NAME.set(suffixed)]);
        rows.map(Rows::Spans).map_err(|error| Error::caused("name spans", error))
    }
}
