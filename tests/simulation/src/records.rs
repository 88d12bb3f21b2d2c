//! What was tried, for the table of faults in the docs: one file for each fault.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::json;

use crate::faults::Faults;

/// Writes down how often each fault happened in so many worlds that all went well.
pub fn write(faults: &Faults, seeds: u64) {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let folder = target.join("reliability");
    fs::create_dir_all(&folder).unwrap();
    for (number, name, how, count) in faults.list().into_iter().filter(|(_, _, _, count)| *count > 0) {
        let record = json!({
            "fault": number,
            "name": name,
            "how": how,
            "result": format!("nothing lost, nothing twice; the fault happened {count} times"),
            "runs": seeds,
            "unit": "seeds",
        });
        fs::write(folder.join(format!("{number}-simulation.json")), format!("{record:#}\n")).unwrap();
    }
}
