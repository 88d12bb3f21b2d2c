//! Free ports.

use std::net::TcpListener;

/// So many ports of 127.0.0.1 that were free a moment ago, all different.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
