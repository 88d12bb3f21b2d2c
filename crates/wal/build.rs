//! Compiles the control records' protobuf without needing protoc on the machine.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../../proto/spanledger/wal/v1");
    let files = protox::compile(["spanledger/wal/v1/control.proto"], ["../../proto"])?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
