//! The receiver over real sockets, before a door that is in memory.

mod grpc;
mod http;
mod support;
