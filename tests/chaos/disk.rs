//! A disk of a trial's own: ext4 in a file, mounted below the trial's folder, and what can happen to it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::harness::tools;

/// Makes ext4 behave as after a power loss: what is neither on the device nor in its journal is gone.
/// `EXT4_IOC_SHUTDOWN` without a flush of the journal; see `fs/ext4/ioctl.c` of Linux.
const LOSE_POWER: &str = "
import fcntl, os, struct, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(folder, 0x8004587D, struct.pack('I', 2))
";

/// Why this machine cannot mount disks; `None` if it can.
pub fn lacking() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("only Linux mounts ext4 images".to_owned());
    }
    if !rustix::process::geteuid().is_root() {
        return Some("only root may mount a disk".to_owned());
    }
    ["mkfs.ext4", "mount", "umount"].into_iter().find_map(missing)
}

/// A program: the one that was installed for tests, or that of the system.
pub fn command(program: &str) -> Command {
    let folders = std::env::var_os("SPANLEDGER_PROGRAMS").unwrap_or_default();
    let mut installed = std::env::split_paths(&folders).map(|folder| folder.join(program));
    Command::new(installed.find(|path| path.exists()).unwrap_or_else(|| program.into()))
}

/// Says that a program is not installed, if it is not.
pub fn missing(program: &str) -> Option<String> {
    let found = command(program).arg("-V").output();
    found.err().map(|error| format!("{program} cannot be started: {error}"))
}

/// Runs a program that has to succeed, and gives what it printed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    try_run(program, arguments).unwrap_or_else(|error| panic!("{error}"))
}

fn try_run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = command(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
}

/// A mounted disk; unmounted when dropped, whatever state it is in.
pub struct Disk {
    image: PathBuf,
    mount: PathBuf,
    options: &'static str,
    is_thin: bool,
}

impl Disk {
    /// A disk of so many MiB, whose image and mount point are in `folder`.
    pub fn new(folder: &Path, mib: u64) -> Self {
        Self::made(folder, mib, &["-E", "nodiscard"], "loop")
    }

    /// The same, made by `mkfs.ext4` with these arguments and mounted with these options.
    pub fn made(folder: &Path, mib: u64, arguments: &[&str], options: &'static str) -> Self {
        let disk = Self::unmounted(folder, mib, arguments, options);
        disk.mount();
        disk
    }

    /// A disk in a memory that has its journal and its tables, but gives data their place only when they come.
    pub fn thin(memory: &Memory, mib: u64) -> Self {
        let arguments = ["-E", "nodiscard,lazy_itable_init=0"];
        let mut disk = Self::unmounted(memory.path(), mib, &arguments, "loop");
        disk.is_thin = true;
        run("fallocate", &["--length", &format!("{mib}MiB"), text(&disk.image)]);
        disk.mount();
        run("fstrim", &[text(&disk.mount)]);
        disk
    }

    fn unmounted(folder: &Path, mib: u64, arguments: &[&str], options: &'static str) -> Self {
        let disk =
            Self { image: folder.join("disk.img"), mount: folder.join("disk"), options, is_thin: false };
        fs::create_dir_all(&disk.mount).unwrap();
        File::create(&disk.image).unwrap().set_len(mib << 20).unwrap();
        let usual = ["-q", "-F", "-b", "4096", "-m", "0"];
        run("mkfs.ext4", &[&usual, arguments, &[text(&disk.image)]].concat());
        disk
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// Its block device, without the folder.
    pub fn device(&self) -> String {
        let source = run("findmnt", &["--noheadings", "--output", "SOURCE", text(&self.mount)]);
        source.trim().trim_start_matches("/dev/").to_owned()
    }

    pub fn mount(&self) {
        run("mount", &["-o", self.options, text(&self.image), text(&self.mount)]);
        if self.is_thin {
            // Linux takes a request of which a loop device could write only a part for one that it wrote; a page has
            // no parts.
            fs::write(format!("/sys/block/{}/queue/max_sectors_kb", self.device()), "4").unwrap();
        }
    }

    /// Whether nothing can be written to it, by an error of its own.
    pub fn is_read_only(&self) -> bool {
        let path = self.mount.join("written");
        match File::create(&path) {
            Ok(_) => fs::remove_file(&path).is_err(),
            Err(error) => error.kind() == std::io::ErrorKind::ReadOnlyFilesystem,
        }
    }

    pub fn unmount(&self) {
        run("umount", &[text(&self.mount)]);
    }

    /// Mends what a failure left behind. It has to be unmounted.
    pub fn repair(&self) {
        // 1: something was mended.
        let status = command("e2fsck").args(["-f", "-p"]).arg(&self.image).output().unwrap().status;
        assert!(matches!(status.code(), Some(0 | 1)), "e2fsck: {status}");
    }

    /// From now on nothing reaches the disk, and what has not reached it is gone. Gives the last moment before.
    pub fn lose_power(&self) -> Instant {
        let mut child = Command::new(tools::python())
            .args(["-c", LOSE_POWER])
            .arg(&self.mount)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let last = Instant::now();
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(child.wait().unwrap().success(), "the shutdown of {}", self.mount.display());
        last
    }

    /// An error of the file system itself, after which it is read-only.
    pub fn turn_read_only(&self) {
        fs::write(format!("/sys/fs/ext4/{}/trigger_fs_error", self.device()), "1").unwrap();
    }

    /// Takes all the room there is, and what comes free meanwhile.
    pub fn fill(&self) {
        fill(&self.mount.join("filler"));
    }

    pub fn empty(&self) {
        fs::remove_file(self.mount.join("filler")).unwrap();
    }

    /// Stops all writing until the answer is dropped, or ten seconds are over, whatever becomes of this process.
    pub fn freeze(&self) -> Frozen {
        let mount = text(&self.mount).to_owned();
        let thaw = "sleep 10; exec fsfreeze --unfreeze \"$0\"";
        let watchdog = Command::new("sh").args(["-c", thaw, &mount]).spawn().unwrap();
        let frozen = Frozen { mount, watchdog };
        run("fsfreeze", &["--freeze", &frozen.mount]);
        frozen
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mount = text(&self.mount);
        let unmounted = try_run("umount", &[mount]);
        // Lazily if somebody still holds it: it must not stay for the next test, or for the machine.
        if unmounted.is_err_and(|error| !error.contains("not mounted")) {
            let _ = try_run("umount", &["--lazy", mount]);
        }
    }
}

/// A disk that hangs.
pub struct Frozen {
    mount: String,
    watchdog: Child,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = try_run("fsfreeze", &["--unfreeze", &self.mount]);
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// Memory as a disk, of so many MiB; unmounted when dropped.
pub struct Memory {
    mount: PathBuf,
}

impl Memory {
    pub fn new(folder: &Path, mib: u64) -> Self {
        let memory = Self { mount: folder.join("memory") };
        fs::create_dir_all(&memory.mount).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs", text(&memory.mount)]);
        memory
    }

    pub fn path(&self) -> &Path {
        &self.mount
    }

    pub fn fill(&self) {
        fill(&self.mount.join("filler"));
    }

    pub fn empty(&self) {
        fs::remove_file(self.mount.join("filler")).unwrap();
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = try_run("umount", &["--lazy", text(&self.mount)]);
    }
}

/// Adds to a file until nothing more fits.
fn fill(path: &Path) {
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    for bytes in [1 << 20, 4096] {
        let zeros = vec![0; bytes];
        while file.write_all(&zeros).is_ok() {}
    }
    // An error: some of it may have found no room.
    let _ = file.sync_all();
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("folders of tests have plain names")
}
