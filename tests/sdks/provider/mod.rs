//! A fake provider of models: it answers as OpenAI and Anthropic do, and remembers the truth of every call.
//!
//! What an answer holds is decided by the first words of the prompt, up to a colon: see [`Asked`].

mod answer;
mod anthropic;
mod asked;
mod call;
mod chat;
mod embeddings;
mod responses;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use answer::Answer;
use asked::Asked;
pub use call::Call;

type Body = BoxBody<Bytes, Infallible>;

/// A running provider; it stops with the test's runtime.
pub struct Provider {
    pub port: u16,
    record: Arc<Record>,
}

/// Every call so far, in the order in which they came.
struct Record {
    name: String,
    calls: Mutex<Vec<Call>>,
}

impl Provider {
    /// Listens on a free port of this machine. `name` goes into the ids of its answers.
    pub async fn start(name: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let record = Arc::new(Record { name: name.to_owned(), calls: Mutex::default() });
        tokio::spawn(serve(listener, record.clone()));
        Self { port, record }
    }

    /// The truth of every call that was answered.
    pub fn calls(&self) -> Vec<Call> {
        self.record.calls.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, record: Arc<Record>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let record = record.clone();
        let service = service_fn(move |request| respond(request, record.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn respond(request: Request<Incoming>, record: Arc<Record>) -> Result<Response<Body>, Infallible> {
    let received = call::now();
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body:?}"));
    let (asked, answer) = {
        let mut calls = record.calls.lock().unwrap();
        let asked = Asked::parse(&path, body);
        let call = Call::new(calls.len() + 1, &record.name, &asked, received);
        let answer = answer(&asked, &call);
        calls.push(call);
        (calls.len() - 1, answer)
    };
    let finish = move |record: &Record, what: fn(&mut Call)| what(&mut record.calls.lock().unwrap()[asked]);
    Ok(match answer {
        Answer::Whole { status, body } => {
            tokio::time::sleep(answer::PAUSE).await;
            finish(&record, Call::end);
            let body = Full::new(Bytes::from(body.to_string())).boxed();
            response(status, "application/json", body)
        }
        Answer::Streamed(events) => {
            let stream = futures::stream::unfold(events.into_iter(), move |mut events| {
                let record = record.clone();
                async move {
                    let event = events.next()?;
                    tokio::time::sleep(answer::PAUSE).await;
                    finish(&record, Call::give);
                    if events.len() == 0 {
                        finish(&record, Call::end);
                    }
                    Some((Ok(Frame::data(Bytes::from(event))), events))
                }
            });
            response(200, "text/event-stream", StreamBody::new(stream).boxed())
        }
    })
}

fn answer(asked: &Asked, call: &Call) -> Answer {
    match (call.http_status, asked.api) {
        (200, asked::Api::Chat) => chat::answer(asked, call),
        (200, asked::Api::Responses) => responses::answer(asked, call),
        (200, asked::Api::Embeddings) => embeddings::answer(asked, call),
        (200, asked::Api::Messages) => anthropic::answer(asked, call),
        _ => Answer::error(call),
    }
}

fn response(status: u16, content_type: &str, body: Body) -> Response<Body> {
    Response::builder().status(status).header("content-type", content_type).body(body).unwrap()
}
