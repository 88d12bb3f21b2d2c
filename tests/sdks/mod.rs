//! Real SDKs call a fake provider and report to the real program; what the provider knows is held against what
//! DuckDB finds in the files.
//!
//! Each SDK has a folder here, with its pinned packages and a script `run`, and a module of its name below.

mod counted;
mod judge;
mod lacks;
mod process;
mod provider;

use std::path::{Path, PathBuf};

use crate::harness::Setup;
use provider::Provider;

macro_rules! sdks {
    ($($module:ident: $sdk:literal,)*) => {
        $(mod $module {
            #[tokio::test(flavor = "multi_thread")]
            async fn every_call_stands_there_once_with_all_that_was_sent() {
                super::every_call_stands_there_once($sdk).await;
            }
        })*

        #[test]
        fn every_folder_with_an_sdk_has_a_test() {
            assert_eq!(folders(), [$($sdk),*]);
        }
    };
}

sdks! {
    langfuse: "langfuse",
    litellm: "litellm",
    openai_v2: "openai-v2",
    openinference: "openinference",
    openlit: "openlit",
    pydantic_ai: "pydantic-ai",
    traceloop: "traceloop",
    vercel: "vercel",
    vercel_7: "vercel-7",
}

async fn every_call_stands_there_once(sdk: &str) {
    let temporary = tempfile::tempdir().unwrap();
    let kept = kept(sdk);
    // An SDK's exporter sends every few seconds, so spans of one call can come apart: they wait as they do by default.
    let setup = Setup::new(kept.as_deref().unwrap_or(temporary.path()))
        .set("connectors.genai_metrics.settle.window=10s")
        .set("processors.genai.keep_originals=true");
    let provider = Provider::start(sdk).await;
    let collector = setup.start();
    process::run(sdk, provider.port, setup.http).await;
    collector.flush().await;

    let calls = provider.calls();
    if let Some(folder) = kept {
        std::fs::write(folder.join("calls.json"), serde_json::to_vec_pretty(&calls).unwrap()).unwrap();
    }
    assert!(calls.len() > 5, "{sdk} made hardly any calls: {calls:?}");
    let mut wrong = judge::judge(sdk, &calls, &setup.lake());
    wrong.extend(counted::judge(&collector, &setup.lake()).await);
    assert!(wrong.is_empty(), "{sdk}, {} calls:\n{}", calls.len(), wrong.join("\n"));
}

/// Where the files and the provider's record of this SDK are kept for people to look into, if that is wanted.
fn kept(sdk: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("SPANLEDGER_SDKS_KEEP")?).join(sdk);
    std::fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

/// The folders here that say which packages they need.
fn folders() -> Vec<String> {
    let has_pins = |folder: &Path| {
        ["requirements.txt", "package-lock.json"].iter().any(|name| folder.join(name).exists())
    };
    let folders = process::folder("").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = folders
        .filter(|folder| has_pins(folder))
        .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}
