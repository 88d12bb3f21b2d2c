//! One request over HTTP to a server on this machine.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use spanledger_component::Error;
use tokio::net::TcpStream;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends one request without a body and reads the answer, all within `timeout`.
pub(crate) async fn send(
    method: &str,
    endpoint: &str,
    path: &str,
    token: Option<&str>,
    timeout: Duration,
) -> Result<Answer, Error> {
    let attempt = || format!("{method} http://{endpoint}{path}");
    match tokio::time::timeout(timeout, exchange(method, endpoint, path, token)).await {
        Ok(answer) => answer.map_err(|error| Error::caused(attempt(), error)),
        Err(_) => Err(Error::new(format!("{}: no answer within {} s", attempt(), timeout.as_secs()))),
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(method: &str, endpoint: &str, path: &str, token: Option<&str>) -> Result<Answer, AnyError> {
    let stream = TcpStream::connect(endpoint).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", endpoint);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}
