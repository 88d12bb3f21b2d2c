//! The real servers and SDKs that tests talk to, and the peers of benchmarks: which versions, how they are installed, where tests find them.
//!
//! Each goes to a folder of its own under `target/tools`, named after what was asked for, so that a new version
//! is a new folder; a link without the version beside it is where tests look.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::thread::Scope;
use std::time::{Duration, Instant};
use std::{fs, io};

use crate::command::{Failure, cargo, exists, program, read, root};
use crate::counts::ARCHITECTURE;
use crate::stage::{Outcome, Stages};
use crate::{peers, sdks};

/// No release of MinIO is a Go module version, so this names a commit, by the date and hash it has as one.
const MINIO_VERSION: &str = "v0.0.0-20260212201848-7aac2a2c5b7c";

/// The last version that the module path `v2` has.
const TOXIPROXY_VERSION: &str = "v2.5.0";

/// Draws flame graphs.
const INFERNO_VERSION: &str = "0.12.8";

/// What packages are downloaded and unpacked with.
const PACKAGE_MANAGER: &[(&str, &str)] = &[("apt-get", "--version"), ("dpkg", "--version")];

/// Starts a program of a package that was unpacked, with the libraries beside it.
const STARTER: &str = r#"#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
libraries=$(find "$here" -name '*.so.*' -exec dirname {} + | sort -u | paste -s -d :)
LD_LIBRARY_PATH=$libraries exec "$here/PROGRAM" "$@"
"#;

/// A real part: something not ours that tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Minio,
    Prometheus,
    Python,
    Node,
    Toxiproxy,
    Sdks,
    Strace,
    E2fsprogs,
    Valgrind,
    Collector,
    Rotel,
    Inferno,
}

/// How an installation went.
pub(crate) struct Installed {
    pub(crate) tool: Tool,
    pub(crate) time: Duration,
    pub(crate) outcome: Outcome,
}

/// `cargo xtask tools`: installs all of them.
pub(crate) fn install(stages: &mut Stages) {
    install_those(&Tool::ALL, stages);
}

/// Installs some of them.
pub(crate) fn install_those(tools: &[Tool], stages: &mut Stages) {
    std::thread::scope(|scope| {
        Tool::install_each(tools, scope).for_each(|installed| installed.add_to(stages))
    });
}

impl Tool {
    /// All that tests use, the one that takes longest to install last.
    pub(crate) const ALL: [Self; 9] = [
        Self::Python,
        Self::Node,
        Self::Prometheus,
        Self::Strace,
        Self::E2fsprogs,
        Self::Valgrind,
        Self::Toxiproxy,
        Self::Sdks,
        Self::Minio,
    ];

    /// Those that have tests of their own, in modules of their names.
    pub(crate) const TESTED: [Self; 5] =
        [Self::Python, Self::Node, Self::Prometheus, Self::Sdks, Self::Minio];

    /// Those that chaos needs.
    pub(crate) const OF_CHAOS: [Self; 5] =
        [Self::Python, Self::Strace, Self::E2fsprogs, Self::Toxiproxy, Self::Minio];

    /// Those that benchmarks compare with.
    pub(crate) const OF_BENCH: [Self; 2] = [Self::Rotel, Self::Collector];

    /// The module of tests that need it, and its folder under `target/tools`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minio => "minio",
            Self::Prometheus => "prometheus",
            Self::Python => "python",
            Self::Node => "node",
            Self::Toxiproxy => "toxiproxy",
            Self::Sdks => "sdks",
            Self::Strace => "strace",
            Self::E2fsprogs => "e2fsprogs",
            Self::Valgrind => "valgrind",
            Self::Collector => "collector",
            Self::Rotel => "rotel",
            Self::Inferno => "inferno",
        }
    }

    /// Starts installing what is not there yet, all at once, and hands each over when it is done.
    pub(crate) fn install_each<'scope>(
        tools: &[Self],
        scope: &'scope Scope<'scope, '_>,
    ) -> impl Iterator<Item = Installed> + use<'scope> {
        let threads: Vec<_> = tools.iter().copied().map(|tool| scope.spawn(move || tool.install())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// The environment variables by which tests find it.
    pub(crate) fn variables(self) -> Vec<(&'static str, PathBuf)> {
        let folder = folder().join(self.name());
        match self {
            Self::Minio => vec![("SPANLEDGER_MINIO", folder.join("minio"))],
            Self::Prometheus => vec![
                ("SPANLEDGER_PROMETHEUS", folder.join("usr/bin/prometheus")),
                ("SPANLEDGER_PROMTOOL", folder.join("usr/bin/promtool")),
            ],
            Self::Python => vec![("SPANLEDGER_PYTHON", folder.join("bin/python"))],
            Self::Node => vec![("SPANLEDGER_NODE_MODULES", folder.join("node_modules"))],
            Self::Toxiproxy => vec![("SPANLEDGER_TOXIPROXY", folder.join("server"))],
            Self::Sdks => vec![("SPANLEDGER_SDKS", sdks::folder())],
            Self::Strace | Self::E2fsprogs => Vec::new(),
            // It is told where its own parts are, since it expects them where a package would have been installed.
            Self::Valgrind => vec![("VALGRIND_LIB", folder.join("usr/libexec/valgrind"))],
            Self::Collector => vec![("SPANLEDGER_OTELCOL", folder.join("otelcol"))],
            Self::Rotel => vec![("SPANLEDGER_ROTEL", folder.join("rotel-agent"))],
            Self::Inferno => vec![("SPANLEDGER_INFERNO", folder.join("bin"))],
        }
    }

    /// The folder in which tests find its programs by their usual names, if they do.
    pub(crate) fn programs(self) -> Option<PathBuf> {
        matches!(self, Self::Strace | Self::E2fsprogs).then(|| folder().join(self.name()).join("bin"))
    }

    fn install(self) -> Installed {
        let started = Instant::now();
        let outcome = match self.lacks() {
            _ if self == Self::Valgrind && std::env::consts::ARCH != ARCHITECTURE => {
                Outcome::Skipped(format!("the counts are those of {}", ARCHITECTURE))
            }
            Some(needed) => Outcome::lacking(format!("{needed} is not installed")),
            None => self.install_version().into(),
        };
        Installed { tool: self, time: started.elapsed(), outcome }
    }

    /// The program that the installation needs and this machine lacks.
    fn lacks(self) -> Option<&'static str> {
        let needed: &[(&str, &str)] = match self {
            Self::Minio | Self::Toxiproxy | Self::Collector => &[("go", "version")],
            Self::Prometheus | Self::Strace | Self::E2fsprogs | Self::Valgrind => PACKAGE_MANAGER,
            Self::Python | Self::Rotel => &[("python3", "--version")],
            Self::Node => &[("node", "--version"), ("npm", "--version")],
            Self::Sdks => &[("python3", "--version"), ("node", "--version"), ("npm", "--version")],
            Self::Inferno => &[("perf", "--version")],
        };
        needed.iter().find(|(name, version_flag)| !exists(name, version_flag)).map(|(name, _)| *name)
    }

    /// Installs what is asked for, by a version that changes whenever that changes.
    fn install_version(self) -> Result<(), Failure> {
        let support = root().join("tests/support");
        let once = |version: &str, install: &dyn Fn(&Path) -> Result<(), Failure>| {
            install_once(&folder(), self.name(), version, install)
        };
        match self {
            Self::Minio => once(MINIO_VERSION, &|target| {
                install_with_go(&format!("github.com/minio/minio@{MINIO_VERSION}"), target)
            }),
            Self::Toxiproxy => once(TOXIPROXY_VERSION, &|target| {
                install_with_go(
                    &format!("github.com/Shopify/toxiproxy/v2/cmd/server@{TOXIPROXY_VERSION}"),
                    target,
                )
            }),
            // The package manager's word for it: an archive keeps only its newest.
            Self::Prometheus => {
                once("packaged", &|target| install_packages(&["prometheus".to_owned()], target))
            }
            Self::Valgrind => once("packaged", &|target| install_packages(&["valgrind".to_owned()], target)),
            Self::Strace => {
                once("packaged", &|target| install_programs("strace", &["usr/bin/strace"], target))
            }
            Self::E2fsprogs => once("packaged", &|target| {
                install_programs("e2fsprogs", &["sbin/mkfs.ext4", "sbin/e2fsck"], target)
            }),
            Self::Python => {
                let pins = support.join("requirements.txt");
                once(&python_version(&pins)?, &|target| install_python(target, &["--requirement"], &[&pins]))
            }
            Self::Node => once(&node_version(&support)?, &|target| install_node(&support, target)),
            Self::Sdks => sdks::install(),
            Self::Collector => once(&peers::collector_version()?, &peers::build_collector),
            Self::Rotel => once(&peers::rotel_version()?, &peers::install_rotel),
            Self::Inferno => once(INFERNO_VERSION, &install_inferno),
        }
    }
}

impl Installed {
    /// Adds the stage that the installation was.
    pub(crate) fn add_to(self, stages: &mut Stages) {
        stages.add(&format!("install {}", self.tool.name()), self.time, self.outcome);
    }
}

pub(crate) fn folder() -> PathBuf {
    root().join("target/tools")
}

/// Installs into a folder below `parent` that gets its name when it is complete; what was cut short is never taken for
/// whole.
pub(crate) fn install_once(
    parent: &Path,
    name: &str,
    version: &str,
    install: impl Fn(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = format!("{name}-{version}");
    let complete = parent.join(&folder);
    if !complete.exists() {
        let partial = parent.join(format!("{folder}.{}", std::process::id()));
        fs::create_dir_all(&partial)?;
        let installed = install(&partial);
        // Another run may have been faster; its folder is as good.
        if installed.is_err() || fs::rename(&partial, &complete).is_err() {
            fs::remove_dir_all(&partial)?;
        }
        installed?;
    }
    link(Path::new(&folder), &parent.join(name))?;
    Ok(())
}

/// Changes with the pins and with the interpreter, whose paths are in the environment.
pub(crate) fn python_version(pins: &Path) -> Result<String, Failure> {
    Ok(hash(&[read(program("python3").arg("--version"))?.into(), read_file(pins)?]))
}

/// Changes with the lock file.
pub(crate) fn node_version(folder: &Path) -> Result<String, Failure> {
    Ok(hash(&[read_file(&folder.join("package-lock.json"))?]))
}

/// Compiles it, giving way to whatever else is being compiled: there it is the tests that are waited for.
fn install_with_go(package: &str, target: &Path) -> Result<(), Failure> {
    read(program("nice").args(["go", "install", package]).env("GOBIN", target))?;
    Ok(())
}

/// Compiles it. It is a program and no dependency, since it has another licence.
fn install_inferno(target: &Path) -> Result<(), Failure> {
    let mut install = cargo();
    install.args(["install", "inferno", "--locked", "--no-default-features", "--features", "cli"]);
    read(install.args(["--version", INFERNO_VERSION, "--root"]).arg(target))?;
    Ok(())
}

/// Unpacks packages without installing them, so that no service starts and the system stays as it is.
fn install_packages(packages: &[String], target: &Path) -> Result<(), Failure> {
    with_packages(|| read(program("apt-get").arg("download").args(packages).current_dir(target)))?;
    for entry in target.read_dir()? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            read(program("dpkg").arg("--extract").arg(&package).arg(target))?;
            fs::remove_file(&package)?;
        }
    }
    Ok(())
}

/// Unpacks a package and the libraries that it names, and makes programs of it that find them there.
fn install_programs(package: &str, programs: &[&str], target: &Path) -> Result<(), Failure> {
    let mut packages = libraries_of(package)?;
    packages.push(package.to_owned());
    install_packages(&packages, target)?;
    let folder = target.join("bin");
    fs::create_dir_all(&folder)?;
    for path in programs {
        // Some distributions have all programs below `usr`.
        let path = if target.join(path).exists() { (*path).to_owned() } else { format!("usr/{path}") };
        let name = Path::new(&path).file_name().unwrap_or_default();
        write_program(&folder.join(name), &STARTER.replace("PROGRAM", &path))?;
    }
    Ok(())
}

/// The libraries beside that of C which a package depends on.
fn libraries_of(package: &str) -> Result<Vec<String>, Failure> {
    let depends = with_packages(|| read(program("apt-cache").args(["depends", "--important", package])))?;
    let named = depends.lines().filter_map(|line| line.trim().split_once("Depends: ")).map(|(_, name)| name);
    Ok(named.filter(|name| name.starts_with("lib") && *name != "libc6").map(str::to_owned).collect())
}

/// Does what needs the list of packages; that is fetched once when it is missing or out of date, as on a new machine.
fn with_packages(act: impl Fn() -> Result<String, Failure>) -> Result<String, Failure> {
    static UPDATED: Once = Once::new();
    act().or_else(|_| {
        // Where this fails, what follows fails with a reason of its own.
        UPDATED.call_once(|| drop(read(program("apt-get").arg("update"))));
        act()
    })
}

fn write_program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// Makes a virtual environment and lets pip install what the words say.
pub(crate) fn install_python<Word: AsRef<OsStr>>(
    target: &Path,
    flags: &[&str],
    words: &[Word],
) -> Result<(), Failure> {
    read(program("python3").args(["-m", "venv"]).arg(target))?;
    let mut pip = program(target.join("bin/python"));
    read(pip.args(["-m", "pip", "install"]).args(flags).args(words))?;
    Ok(())
}

/// Installs what the lock file of a folder says.
pub(crate) fn install_node(folder: &Path, target: &Path) -> Result<(), Failure> {
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(folder.join(name), target.join(name))?;
    }
    read(program("npm").args(["ci", "--ignore-scripts"]).current_dir(target))?;
    Ok(())
}

/// Points `path` to `target`, also where it pointed elsewhere; at no time is there nothing.
fn link(target: &Path, path: &Path) -> io::Result<()> {
    let fresh = path.with_extension(std::process::id().to_string());
    std::os::unix::fs::symlink(target, &fresh)?;
    fs::rename(&fresh, path)
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| format!("read {}: {error}", path.display()).into())
}

pub(crate) fn hash(parts: &[Vec<u8>]) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
