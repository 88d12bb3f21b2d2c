//! Clients that do not wait for the answer, or do not even finish the request.

use prost::Message as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::load;
use crate::load::{Answer, Shape, over_http};
use crate::scenario::Tally;
use crate::trial::Trial;

/// The whole request is sent and the connection closed; then the same is sent again, by somebody who waits.
pub async fn answers_lost(tally: &mut Tally) {
    let mut trial = Trial::new();
    trial.start();
    trial.load(Shape::USUAL);
    for number in 0..300 {
        let (request, ids) = load::request(5, 400);
        let body = request.encode_to_vec();
        for _ in 0..=number % 3 {
            send_part(trial.setup.http, &body, body.len()).await;
        }
        match over_http(trial.setup.http, body.into()).await {
            Answer::Acknowledged => trial.sent.acknowledge(ids),
            Answer::Later | Answer::Unknown => trial.sent.leave_open(ids),
            Answer::Wrong(answer) => trial.sent.complain(answer),
        }
        tally.request();
    }
    tally.judged(trial.judge().await);
}

/// A part of the request is sent and the connection closed. None of it is stored, and no room is lost by it.
pub async fn gone_in_mid_request(tally: &mut Tally) {
    let mut trial = Trial::with(|setup| setup.set("service.memory=64MiB"));
    trial.start();
    trial.load(Shape::USUAL);
    // In all far more than the memory for requests.
    for _ in 0..300 {
        let (request, _) = load::request(50, 8000);
        let body = request.encode_to_vec();
        let part = tally.between(1, body.len() as u64 - 1) as usize;
        send_part(trial.setup.http, &body, part).await;
        tally.request();
    }
    trial.acknowledge(500).await;
    // A span of a broken request in the files would be one that was never sent.
    tally.judged(trial.judge().await);
}

/// Sends so many bytes of a body, and closes.
async fn send_part(port: u16, body: &[u8], bytes: usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // An error: it answered already, and closed.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body[..bytes]).await;
}
