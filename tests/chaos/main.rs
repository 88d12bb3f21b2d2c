//! Chaos with the real process: it is killed, starved and cut off under load, and DuckDB and its clients' own record judge.
//!
//! `cargo xtask chaos [--minutes N]` builds what this needs and runs it. Words after `--` choose scenarios by their name.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod cgroup;
mod clients;
mod disk;
mod full;
#[allow(dead_code, reason = "shared with the tests of the program")]
#[path = "../harness/mod.rs"]
mod harness;
mod kills;
mod load;
mod points;
mod power;
mod proxy;
mod scenario;
mod scraper;
mod slow;
mod stops;
mod store;
mod syscalls;
mod trial;
mod twins;

use std::process::ExitCode;

use scenario::{Scenario, run_all};

const SCENARIOS: &[Scenario] = &[
    Scenario {
        fault: 1,
        name: "kill -9 at random times",
        how: "SIGKILL under load",
        run: |tally| block_on(kills::at_random_times(tally)),
    },
    Scenario {
        fault: 2,
        name: "kill at each point",
        how: "the process aborts at the n-th pass of a named point, under load",
        run: |tally| block_on(points::every_point(tally)),
    },
    Scenario {
        fault: 4,
        name: "killed again while it recovers",
        how: "aborts in its recovery, twice in a row",
        run: |tally| block_on(points::recovery_again_and_again(tally)),
    },
    Scenario {
        fault: 3,
        name: "power loss",
        how: "shutdown of a loop-mounted ext4 under load, SIGKILL, mounted again",
        run: |tally| block_on(power::under_load(tally)),
    },
    Scenario {
        fault: 4,
        name: "power loss while starting",
        how: "the same, and once more while it recovers",
        run: |tally| block_on(power::while_starting(tally)),
    },
    Scenario {
        fault: 45,
        name: "killed before fsync, repeated, power loss",
        how: "aborts at a point, clients send again, then shutdown of the ext4",
        run: |tally| block_on(power::after_repeats(tally)),
    },
    Scenario {
        fault: 3,
        name: "control: no fsync",
        how: "the planted fault no-fsync has to be caught by power loss",
        run: |tally| block_on(power::without_fsync(tally)),
    },
    Scenario {
        fault: 3,
        name: "control: answer before fsync",
        how: "the planted fault answer-before-fsync has to be caught by power loss",
        run: |tally| block_on(power::with_early_answers(tally)),
    },
    Scenario {
        fault: 16,
        name: "fsyncgate",
        how: "ext4 image on a tmpfs that is filled: fsync fails once, then says OK",
        run: |tally| block_on(full::fsyncgate(tally)),
    },
    Scenario {
        fault: 17,
        name: "disk full",
        how: "the ext4 under log and lake is filled and emptied",
        run: |tally| block_on(full::no_room(tally)),
    },
    Scenario {
        fault: 18,
        name: "disk full for plans",
        how: "the ext4 under the log alone is filled, SIGKILL meanwhile",
        run: |tally| block_on(full::no_room_for_plans(tally)),
    },
    Scenario {
        fault: 20,
        name: "read-only",
        how: "an error turns the ext4 read-only; mended and mounted again",
        run: |tally| block_on(full::read_only(tally)),
    },
    Scenario {
        fault: 23,
        name: "no inodes",
        how: "an ext4 with 128 inodes, all taken for a while",
        run: |tally| block_on(full::no_inodes(tally)),
    },
    Scenario {
        fault: 15,
        name: "fsync fails",
        how: "strace gives EIO for every fourth fdatasync, then for every one",
        run: |tally| block_on(syscalls::fsync_fails(tally)),
    },
    Scenario {
        fault: 19,
        name: "short writes",
        how: "a limit of 3 MiB for files cuts writes short (EFBIG)",
        run: |tally| block_on(syscalls::short_writes(tally)),
    },
    Scenario {
        fault: 19,
        name: "interrupted writes",
        how: "strace gives EINTR for every second write to the log",
        run: |tally| block_on(syscalls::interrupted(tally)),
    },
    Scenario {
        fault: 20,
        name: "read-only and back",
        how: "strace gives EROFS for fsync and rename, then lets go",
        run: |tally| block_on(syscalls::read_only_and_back(tally)),
    },
    Scenario {
        fault: 21,
        name: "slow disk",
        how: "a control group limits the loop device to 1 MiB/s",
        run: |tally| block_on(slow::slow_disk(tally)),
    },
    Scenario {
        fault: 22,
        name: "frozen disk",
        how: "fsfreeze for three seconds",
        run: |tally| block_on(slow::frozen_disk(tally)),
    },
    Scenario {
        fault: 22,
        name: "frozen process",
        how: "SIGSTOP and SIGCONT",
        run: |tally| block_on(slow::frozen_process(tally)),
    },
    Scenario {
        fault: 23,
        name: "no descriptors",
        how: "prlimit takes file descriptors away for three seconds",
        run: |tally| block_on(syscalls::no_descriptors(tally)),
    },
    Scenario {
        fault: 24,
        name: "store away and back",
        how: "a real MinIO killed and started again under load, SIGKILL meanwhile",
        run: |tally| block_on(store::away_and_back(tally)),
    },
    Scenario {
        fault: 28,
        name: "bad network to the store",
        how: "toxiproxy: latency, bandwidth, limit_data, reset_peer, timeout, slicer, cut",
        run: |tally| block_on(store::over_a_bad_network(tally)),
    },
    Scenario {
        fault: 29,
        name: "bucket missing, keys refused",
        how: "a real MinIO without the bucket, then with another password",
        run: |tally| block_on(store::refused(tally)),
    },
    Scenario {
        fault: 32,
        name: "answers lost",
        how: "clients close after sending, and send again",
        run: |tally| block_on(clients::answers_lost(tally)),
    },
    Scenario {
        fault: 34,
        name: "client gone in mid-request",
        how: "clients close before the body ends",
        run: |tally| block_on(clients::gone_in_mid_request(tally)),
    },
    Scenario {
        fault: 35,
        name: "overload",
        how: "64 clients against 64 MiB of memory and a log of 16 MiB",
        run: |tally| block_on(slow::overload(tally)),
    },
    Scenario {
        fault: 38,
        name: "killed while draining",
        how: "SIGTERM, then SIGKILL",
        run: |tally| block_on(stops::killed_while_draining(tally)),
    },
    Scenario {
        fault: 38,
        name: "stopped in an outage",
        how: "SIGTERM while MinIO is away, then drain --wal",
        run: |tally| block_on(stops::stopped_in_an_outage(tally)),
    },
    Scenario {
        fault: 39,
        name: "two processes on one directory",
        how: "started twice",
        run: |tally| block_on(twins::one_directory(tally)),
    },
    Scenario {
        fault: 39,
        name: "cloned volume",
        how: "cp -r of the log, both deliver to one lake",
        run: |tally| block_on(twins::cloned_volume(tally)),
    },
    Scenario {
        fault: 40,
        name: "one of two exporters stuck",
        how: "one Parquet exporter writes to a MinIO that is away",
        run: |tally| block_on(store::one_of_two_is_stuck(tally)),
    },
    Scenario {
        fault: 41,
        name: "another config with a backlog",
        how: "MinIO away; rotation and processors change between kills",
        run: |tally| block_on(store::another_config(tally)),
    },
    Scenario {
        fault: 42,
        name: "out of memory",
        how: "a memory cgroup, the kernel kills the process under load",
        run: |tally| block_on(slow::out_of_memory(tally)),
    },
];

fn main() -> ExitCode {
    run_all(SCENARIOS)
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work);
}
