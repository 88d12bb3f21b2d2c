//! How often which fault happened, by the numbers of the list of faults.

use std::ops::AddAssign;

use crate::store::Seen;

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $fault:ident = $number:literal, $name:literal, $how:literal;)*) => {
        /// How often which fault happened.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct Faults { $($(#[doc = $doc])* pub $fault: u64,)* }

        impl Faults {
            /// Number, name, how it is injected, and how often it happened.
            pub fn list(&self) -> Vec<(u32, &'static str, &'static str, u64)> {
                vec![$(($number, $name, $how, self.$fault),)*]
            }
        }

        impl AddAssign for Faults {
            fn add_assign(&mut self, other: Self) {
                $(self.$fault += other.$fault;)*
            }
        }
    };
}

faults! {
    /// The power failed.
    power_losses = 5, "power loss with sector subset/reorder", "simulated disk: any subset of the 512-byte sectors that were not fsynced survives";
    /// The power failed, and any subset of the names that were not fsynced survived.
    lost_names = 6, "lost dirent", "simulated disk: any subset of the new names, renames and removals that were not fsynced survives";
    /// The process died in the middle of a write, and the power failed.
    torn_writes = 7, "torn last record", "simulated disk: power loss in the middle of a write";
    /// A bit flipped.
    flipped_bits = 8, "one bit flip in acked payload", "simulated disk: one durable bit of a segment flips";
    /// A bit flipped in the head of a segment.
    flipped_head_bits = 9, "bit flip in record header / segment header", "simulated disk: one bit of a segment's head or of a record's header flips";
    /// A page was lost.
    lost_pages = 10, "4 KiB page zeroed", "simulated disk: a durable page of a segment becomes zeros";
    /// Fsyncs failed.
    failed_syncs = 15, "fsync EIO", "simulated disk: fsync fails, the pages count as clean";
    /// Fsyncs failed, and the power failed later.
    dropped_pages = 16, "fsyncgate: second fsync says OK", "simulated disk: pages of a failed fsync are seen until the power fails, and a second fsync says OK";
    /// The disk was full.
    full_disks = 17, "write ENOSPC", "simulated disk: writes are cut short, fsync fails with ENOSPC";
    /// Writes were cut short.
    short_writes = 19, "short writes", "simulated disk: a write takes a part and then fails";
    /// The disk was read-only.
    read_only_disks = 20, "EROFS", "simulated disk: nothing can be written";
    /// The disk stalled for half a minute.
    stalls = 22, "disk stall 30 s", "simulated disk: nothing that is written ends for 30 s or more of simulated time";
    /// No file could be opened.
    out_of_handles = 23, "EMFILE", "simulated disk: no file can be opened";
    /// The store was away.
    store_outages = 24, "store down and back", "simulated store: connections are refused";
    /// The answer to an upload was lost.
    lost_answers = 25, "PUT applied, answer lost", "simulated store: the object is stored, the connection is reset";
    /// An upload that was given up arrived late.
    late_puts = 26, "PUT lands late, after restart", "simulated store: an upload that timed out arrives up to ten minutes later, whatever crashed meanwhile";
    /// The store refused.
    refusals = 27, "5xx/429/409 storms", "simulated store: every request is refused with 409, 412, 429, 500 or 503";
    /// The store denied access, or had no bucket.
    denials = 29, "403, bucket missing", "simulated store: 403 and 404";
    /// The store ignored conditions.
    ignored_conditions = 31, "store ignores If-None-Match", "simulated store: an upload replaces what is there";
    /// The client sent the same bytes again.
    resends = 32, "client resend after lost ack (same bytes)", "simulated client: the same request again within 13 minutes";
    /// The client sent spans in other requests.
    rebatches = 33, "client re-batches the same spans", "simulated client: spans that were not answered in another request; each place of the log has one row";
    /// The client hung up.
    cancels = 34, "client cancels in mid-request", "simulated client: the call is dropped within 4 ms";
    /// A request was poison.
    poison = 36, "poison: panic in processor", "a processor panics, or fails, on one record";
    /// The wall clock was wrong.
    clock_jumps = 37, "clock +1 day / -1 day / frozen", "the wall clock that the collector is given";
    /// It was drained.
    drains = 38, "drain", "drain, and stop within the time, with the store in whatever state";
    /// The config changed.
    config_changes = 41, "config change with backlog", "another config after a stop, a kill or a crash";
    /// Metrics were scraped.
    scrapes = 43, "scrape before/during/after crash", "every value is held against the scrape before";
    /// It was killed at an operation of the disk.
    kills_at_operations = 45, "kill -9 between write and fsync, resend, power loss", "the process dies at any operation of the disk, and the power fails in some later life";
}

impl Faults {
    pub(crate) fn note_store(&mut self, seen: Seen) {
        self.lost_answers += seen.lost_answers;
        self.late_puts += seen.late_puts;
        self.refusals += seen.refusals;
        self.denials += seen.denials;
    }

    pub(crate) fn note_client(&mut self, (resent, cancelled): (u64, u64)) {
        self.resends += resent;
        self.cancels += cancelled;
    }
}
