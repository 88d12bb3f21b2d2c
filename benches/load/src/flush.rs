//! Asking Spanledger to deliver what it holds.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

const REQUEST: &str =
    "PUT /flush?timeout=600s HTTP/1.1\r\nhost: load\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Waits until Spanledger has delivered all that it accepted; `port` is that of its `admin` extension.
pub async fn flush(port: u16) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(REQUEST.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("flush: {answer}").into()) }
}
