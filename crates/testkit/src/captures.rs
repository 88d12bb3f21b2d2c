//! What real SDKs sent: the requests below `tests/captures`.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;
use spanledger_component::Signal;
use spanledger_otlp::{Message, json_to_protobuf};

/// The folder of an SDK.
pub fn folder(sdk: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures").join(sdk)
}

/// The requests of one signal that an SDK sent, as protobuf, in their order.
pub fn bodies_of(sdk: &str, signal: Signal) -> Vec<Bytes> {
    let folder = folder(sdk);
    let meta = fs::read(folder.join("meta.json")).expect("a meta.json");
    let meta: Value = serde_json::from_slice(&meta).expect("meta.json is JSON");
    let files = meta.get("files").and_then(Value::as_array).expect("meta.json names the files");
    let text = |file: &Value, key| file.get(key).and_then(Value::as_str).map(str::to_owned);
    let of_signal = files.iter().filter(|file| text(file, "signal").as_deref() == Some(signal.word()));
    let names = of_signal.map(|file| text(file, "file").expect("a file has a name"));
    names.map(|name| protobuf(&folder.join(name), signal)).collect()
}

/// The requests of one signal of every SDK.
pub fn bodies(signal: Signal) -> Vec<Bytes> {
    let folders = fs::read_dir(folder("")).expect("the folder of captures");
    let folders = folders.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let mut sdks: Vec<String> =
        folders.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    sdks.sort();
    sdks.iter().flat_map(|sdk| bodies_of(sdk, signal)).collect()
}

fn protobuf(path: &Path, signal: Signal) -> Bytes {
    let body = fs::read(path).expect("a captured request");
    if path.extension().is_none_or(|extension| extension != "json") {
        return body.into();
    }
    let message = match signal {
        Signal::Traces => Message::Traces,
        Signal::Metrics => Message::Metrics,
        Signal::Logs => Message::Logs,
    };
    json_to_protobuf(message, &body, 64 << 20).expect("captured JSON is OTLP").into()
}
