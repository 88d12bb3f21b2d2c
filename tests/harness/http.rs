//! A plain HTTP/1.1 client.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Sends one request to a port of this machine; an error when the connection breaks.
pub async fn send(
    method: &str,
    port: u16,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Response<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, body) = sender.send_request(request.body(Full::new(body.into()))?).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, body))
}

/// The body of a GET that has to work.
pub async fn get(port: u16, path: &str) -> String {
    let response = send("GET", port, path, &[], Bytes::new()).await.unwrap();
    assert_eq!(response.status(), 200, "GET {path}: {:?}", response.body());
    String::from_utf8(response.into_body().to_vec()).unwrap()
}
