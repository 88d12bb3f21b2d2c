//! Points in the life of a span at which a process may be killed.

use std::{fmt, str::FromStr};

/// Names the points, in the order in which a span passes them.
macro_rules! points {
    ($($(#[doc = $doc:literal])* $point:ident = $name:literal,)*) => {
        /// A place in the code. `SPANLEDGER_DIES_AT=NAME:N` aborts the process when it is passed for the n-th time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[doc = $doc])* $point,)* }

        impl Point {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$point,)*];

            /// The name that `SPANLEDGER_DIES_AT` gives it by.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    /// A group of records is about to be written to the log.
    BeforeWrite = "before-write",
    /// It is written and not yet fsynced.
    BeforeFsync = "before-fsync",
    /// It is fsynced and nobody was told.
    BeforeAnswer = "before-answer",
    /// A new segment has its name, which is not durable yet.
    BeforeDirectoryFsync = "before-directory-fsync",
    /// A segment was sealed, the next one is not begun.
    AfterSeal = "after-seal",
    /// A segment that every branch has passed is about to be removed.
    BeforeRemove = "before-remove",
    /// A small file beside the log is written, and has not its name yet.
    BeforeRename = "before-rename",
    /// A range is sealed, its plan is not recorded.
    BeforePlan = "before-plan",
    /// The plan is durable, nothing is uploaded.
    BeforePut = "before-put",
    /// One file of a range is uploaded.
    BetweenPuts = "between-puts",
    /// All files are uploaded, the commit is not recorded.
    BeforeCommit = "before-commit",
    /// The commit is durable.
    AfterCommit = "after-commit",
    /// A connector's checkpoint is written, and not recorded.
    BeforeCheckpoint = "before-checkpoint",
    /// It is recorded, and the one before is still there.
    AfterCheckpoint = "after-checkpoint",
    /// The log is read and recovered, and not yet written to.
    InRecovery = "in-recovery",
}

impl Point {
    /// Says that this point is passed; the process may end here.
    #[inline]
    pub fn pass(self) {
        #[cfg(feature = "planted")]
        crate::planted::pass(self);
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().map(|point| point.name()).collect::<Vec<_>>().join(", ");
        let named = Self::ALL.iter().copied().find(|point| point.name() == name);
        named.ok_or_else(|| format!("no point is called {name:?}, there are {}", known()))
    }
}
