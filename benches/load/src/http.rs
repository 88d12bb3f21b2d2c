//! What Spanledger is asked beside its load: to deliver what it holds, and for its metrics.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

/// Waits until Spanledger has delivered all that it accepted; `port` is that of its `admin` extension.
pub async fn flush(port: u16) -> Result<(), Failure> {
    ask(port, "PUT /flush?timeout=600s").await?;
    Ok(())
}

/// The body of a page at a port of this machine.
pub async fn get(port: u16, path: &str) -> Result<String, Failure> {
    ask(port, &format!("GET {path}")).await
}

async fn ask(port: u16, what: &str) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    // Of version 1.0 the answer ends with the connection and comes in one piece.
    let request = format!("{what} HTTP/1.0\r\nhost: load\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1);
    if status == Some("200") { Ok(body.to_owned()) } else { Err(format!("{what}: {answer}").into()) }
}
