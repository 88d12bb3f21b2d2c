//! A trace is looked up in the bucket.

use std::process::Output;

use crate::harness::minio::{Minio, PASSWORD};
use crate::harness::{Setup, free_ports, load};
use crate::minio::setup;

fn explain(setup: &Setup, trace: &str) -> Output {
    setup.command(&["explain", trace]).output().unwrap()
}

fn texts(output: Output) -> (String, String) {
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_explained_from_the_bucket_and_only_its_file_is_read() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [port] = free_ports();
    let minio = Minio::start(&folder.path().join("minio"), port);
    let collector = setup(folder.path(), port).start();
    let mut traces: Vec<String> = Vec::new();
    for _ in 0..3 {
        let (request, _) = load::request(40, 500);
        let spans = &request.resource_spans[0].scope_spans[0].spans;
        traces.push(spans[20].trace_id.iter().map(|byte| format!("{byte:02x}")).collect());
        load::client(collector.setup.grpc).await.unwrap().export(request).await.unwrap();
        collector.flush().await;
    }
    let setup = collector.setup.clone();
    assert!(collector.stop().0.success());
    for trace in &traces {
        let (told, errors) = texts(explain(&setup, trace));
        assert_eq!(errors, "");
        let looked = "lake     s3://ledger/lake: looked into 3 files of spans, read ";
        let read = told.lines().find_map(|line| line.strip_prefix(looked)).unwrap();
        assert!(read == "1" || read == "2", "a bloom filter may err once: {told}");
        assert!(told.contains(&format!(" of trace {trace}\n")), "{told}");
        assert!(told.contains("\nstored   cost_total 0.0000"), "{told}");
        assert!(!told.contains("\ndiffers "), "{told}");
    }
    drop(minio);
    let (told, errors) = texts(explain(&setup, &traces[0]));
    assert!(!told.contains("stored "), "{told}");
    assert!(errors.contains("list s3://ledger/lake/v1") && !errors.contains(PASSWORD), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_the_bucket_refuses_are_said_and_not_shown() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [port] = free_ports();
    let _minio = Minio::start(&folder.path().join("minio"), port);
    let setup = setup(folder.path(), port).set("exporters.parquet.secret_access_key=hunter2-of-nobody");
    let output = explain(&setup, &"ab".repeat(16));
    assert_eq!(output.status.code(), Some(1));
    let (told, errors) = texts(output);
    assert!(errors.contains("the store refuses these keys"), "{errors}");
    assert!(!told.contains("hunter2") && !errors.contains("hunter2"), "{told}{errors}");
}
