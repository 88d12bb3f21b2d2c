//! `spanledger-load`: sends spans of model calls to a collector and says how it took them.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use spanledger_load::{Failure, Outcome, Pace, Plan, Protocol, Requests, Shape, Sink, send};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Sends spans of model calls over OTLP to a collector for some seconds, and prints how it took them.
///
/// Each span has the attributes that an instrumented call of a model would have, and every request differs from all
/// others in its ids. Without --rate, each sender sends its next request when the last one is acknowledged. With it, requests
/// are due at even distances, and a latency counts from when its request was due where no sender was free by then, so that
/// waiting for a slow collector shows.
#[derive(Parser)]
#[command(name = "spanledger-load")]
struct Arguments {
    /// Where the collector listens.
    #[arg(default_value = "127.0.0.1:4317")]
    address: String,
    /// How requests travel; port 4317 is usual for grpc, 4318 for http.
    #[arg(long, value_enum, default_value = "grpc")]
    protocol: Protocol,
    /// Spans in each request.
    #[arg(long, default_value = "100", value_parser = clap::value_parser!(u16).range(1..=20_000))]
    spans: u16,
    /// Attributes of each span.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u16).range(0..=1_000))]
    attributes: u16,
    /// Names of models in all spans.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    models: u16,
    /// Bytes of messages in each span; 0 makes small spans of about 800 bytes.
    #[arg(long, default_value = "0", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    message_bytes: u32,
    /// Connections to the collector.
    #[arg(long, default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Requests under way on each connection; over http each of them has a connection of its own.
    #[arg(long, default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// How long requests are sent.
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Spans a second; without it, as fast as they are acknowledged.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Instead of sending, listens on a free port for OTLP over gRPC, acknowledges everything and throws it away.
    #[arg(long, exclusive = true)]
    sink: bool,
}

#[tokio::main(worker_threads = 1)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.sink { sink().await } else { load(&arguments).await };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("spanledger-load: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn sink() -> Result<(), Failure> {
    let sink = Sink::start().await?;
    say(&format!("listening on 127.0.0.1:{}", sink.port()));
    std::future::pending().await
}

async fn load(arguments: &Arguments) -> Result<(), Failure> {
    let shape = Shape {
        spans: arguments.spans.into(),
        attributes: arguments.attributes.into(),
        message_bytes: usize::try_from(arguments.message_bytes)?,
        models: arguments.models.into(),
    };
    let requests = Arc::new(Requests::new(shape, getrandom::u64()?));
    let spans = f64::from(arguments.spans);
    let plan = Plan {
        address: arguments.address.clone(),
        protocol: arguments.protocol,
        connections: arguments.connections.into(),
        in_flight: arguments.in_flight.into(),
        pace: arguments.rate.map_or(Pace::AsAcknowledged, |rate| Pace::PerSecond(f64::from(rate) / spans)),
        time: Duration::from_secs(arguments.seconds.into()),
    };
    let outcome = send(&plan, &requests).await?;
    say(&text(&outcome, spans));
    Ok(())
}

fn text(outcome: &Outcome, spans: f64) -> String {
    let [half, most, nearly_all] = [0.5, 0.99, 0.999].map(|share| {
        outcome
            .latency_ms(share)
            .map_or_else(|| "too few for".to_owned(), |latency| format!("{latency:.2} ms"))
    });
    let causes: String =
        outcome.causes.iter().map(|(kind, message)| format!("\nfirst {kind}: {message}")).collect();
    format!(
        "acknowledged {} requests, {:.0} spans/s
refused {}, to be tried again
failed {}
due and not sent {}
acknowledged within {half} (p50), {most} (p99), {nearly_all} (p99.9), {:.2} ms (all){causes}",
        outcome.acknowledged,
        outcome.per_second() * spans,
        outcome.refused,
        outcome.failed,
        outcome.unsent,
        outcome.longest_ms(),
    )
}

#[expect(clippy::print_stdout, reason = "what this program prints is its purpose; it prints here alone")]
fn say(text: &str) {
    println!("{text}");
}
