//! The SDKs in `tests/sdks`: each in an environment of its own, with its pinned packages or with the newest.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Failure, cargo, program, read, root, run};
use crate::stage::Stages;
use crate::tools::{self, Tool, read_file};
use crate::workspace::PROGRAM_TESTS;

const USAGE: &str = "usage: cargo xtask sdks [--newest] [NAME of a folder in tests/sdks...]";

/// A folder in `tests/sdks` with what its environment is made of.
pub(crate) struct Sdk {
    name: String,
    folder: PathBuf,
}

/// `cargo xtask sdks [--newest] [NAME...]`: installs SDKs and runs their tests. An error when a name is not known.
pub(crate) fn sdks(arguments: &[String], stages: &mut Stages) -> Result<(), Failure> {
    let newest = arguments.first().is_some_and(|argument| argument == "--newest");
    let names = arguments.get(usize::from(newest)..).unwrap_or_default();
    let sdks = Sdk::all()?;
    if let Some(strange) = names.iter().find(|name| sdks.iter().all(|sdk| sdk.name != **name)) {
        return Err(format!("no such SDK: {strange}\n{USAGE}").into());
    }
    tools::install_those(&[Tool::Python], stages);
    let chosen = sdks.iter().filter(|sdk| names.is_empty() || names.contains(&sdk.name));
    for sdk in chosen {
        let mut is_installed = false;
        stages.run(&format!("install {}", sdk.name), || {
            let installed = if newest { sdk.install_newest() } else { sdk.install() };
            is_installed = installed.is_ok();
            installed
        });
        if is_installed {
            let folder = if newest { newest_folder() } else { folder() };
            stages.run(&sdk.name, || sdk.test(&folder));
        }
    }
    Ok(())
}

/// Installs the pinned packages of every SDK, where they are not there yet.
pub(crate) fn install() -> Result<(), Failure> {
    Sdk::all()?.iter().try_for_each(Sdk::install)
}

/// Where the environments with pinned packages are.
pub(crate) fn folder() -> PathBuf {
    tools::folder().join("sdks")
}

fn newest_folder() -> PathBuf {
    tools::folder().join("sdks-newest")
}

impl Sdk {
    fn all() -> Result<Vec<Self>, Failure> {
        let mut sdks = Vec::new();
        for entry in root().join("tests/sdks").read_dir()? {
            let folder = entry?.path();
            let has_pins =
                ["requirements.txt", "package-lock.json"].iter().any(|name| folder.join(name).exists());
            if let Some(name) = folder.file_name().and_then(|name| name.to_str()).filter(|_| has_pins) {
                sdks.push(Self { name: name.to_owned(), folder: folder.clone() });
            }
        }
        sdks.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(sdks)
    }

    fn is_of_node(&self) -> bool {
        self.folder.join("package.json").exists()
    }

    fn install(&self) -> Result<(), Failure> {
        if self.is_of_node() {
            let version = tools::node_version(&self.folder)?;
            return tools::install_once(&folder(), &self.name, &version, |target| {
                tools::install_node(&self.folder, target)
            });
        }
        let pins = self.folder.join("requirements.txt");
        tools::install_once(&folder(), &self.name, &tools::python_version(&pins)?, |target| {
            // Everything is pinned, so nothing has to be looked up.
            tools::install_python(target, &["--no-deps", "--no-compile", "--requirement"], &[&pins])
        })
    }

    /// Installs what the pins name first, at whatever version is the newest, and what that needs; leaves the pins
    /// that this would make in the environment.
    fn install_newest(&self) -> Result<(), Failure> {
        let target = newest_folder().join(&self.name);
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        fs::create_dir_all(&target)?;
        if self.is_of_node() {
            return self.install_newest_of_node(&target);
        }
        let pins = String::from_utf8(read_file(&self.folder.join("requirements.txt"))?)?;
        tools::install_python(&target, &["--no-compile"], &wanted(&pins))?;
        let frozen = read(program(target.join("bin/python")).args(["-m", "pip", "freeze"]))?;
        fs::write(target.join("requirements.txt"), frozen)?;
        Ok(())
    }

    fn install_newest_of_node(&self, target: &Path) -> Result<(), Failure> {
        for name in ["package.json", ".npmrc"] {
            fs::copy(self.folder.join(name), target.join(name))?;
        }
        let package: Value = serde_json::from_slice(&read_file(&self.folder.join("package.json"))?)?;
        let mut npm = program("npm");
        npm.args(["install", "--ignore-scripts", "--save-exact"]).args(wanted_of_node(&package));
        read(npm.current_dir(target))?;
        Ok(())
    }

    fn test(&self, environments: &Path) -> Result<(), Failure> {
        let mut command = cargo();
        command.args(PROGRAM_TESTS).args(["--", &format!("sdks::{}::", self.name.replace('-', "_"))]);
        run(command.envs(Tool::Python.variables()).env("SPANLEDGER_SDKS", environments))
    }
}

/// The packages before the first empty line, without their versions; the rest is what those need. Where a comment
/// follows, it says why the version has to stay.
fn wanted(pins: &str) -> Vec<String> {
    let lines = pins.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with('#'));
    let newest = |line: &str| line.split("==").next().map(str::to_owned);
    lines
        .filter_map(|line| {
            line.split_once('#').map_or_else(|| newest(line), |(pin, _)| Some(pin.trim().to_owned()))
        })
        .collect()
}

/// The dependencies, at their latest versions or at those that the part `newest` of the package names.
fn wanted_of_node(package: &Value) -> Vec<String> {
    let version = |name: &str| package.get("newest")?.get(name)?.as_str();
    let names = package.get("dependencies").and_then(Value::as_object).into_iter().flatten();
    names.map(|(name, _)| format!("{name}@{}", version(name).unwrap_or("latest"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_what_an_sdk_is_made_of_is_asked_for_and_not_of_what_that_needs() {
        let pins = "# What is tested.\nopenai==3.54.0\npydantic-ai-slim[openai]==2.68.0\n\n# What those need.\nanyio==4.16.0\n";
        assert_eq!(wanted(pins), ["openai", "pydantic-ai-slim[openai]"]);
    }

    #[test]
    fn a_version_that_has_to_stay_stays() {
        assert_eq!(
            wanted("util-genai==1.1b0  # 1.2b0 has other names.\nopenai==3.54.0\n"),
            ["util-genai==1.1b0", "openai"]
        );
    }
    #[test]
    fn the_latest_of_a_package_is_asked_for_unless_it_says_which_versions_go_together() {
        let package = serde_json::json!({
            "dependencies": {"@opentelemetry/api": "1.9.1", "ai": "6.0.326", "zod": "4.6.7"},
            "newest": {"//": "Why.", "@opentelemetry/api": "1.9", "ai": "6"},
        });
        assert_eq!(wanted_of_node(&package), ["@opentelemetry/api@1.9", "ai@6", "zod@latest"]);
    }
}
