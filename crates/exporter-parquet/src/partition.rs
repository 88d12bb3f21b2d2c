//! Which day a row belongs to, and what a file is called.

use chrono::NaiveDate;
use spanledger_component::{ComponentId, Plan};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// A start this much before its arrival, or more, is not believed.
const LATE_MICROS: i64 = 7 * DAY_MICROS;

/// A start this much after its arrival, or more, is not believed.
const EARLY_MICROS: i64 = DAY_MICROS;

/// The longest id that fits a file name of 255 bytes beside what else stands there.
const ID_BYTES_MAX: usize = 160;

/// A day, UTC, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(i64);

impl Day {
    /// The day of a row: that of its time, or that of its arrival when its time cannot be right.
    pub(crate) fn of(time_micros: i64, arrival_micros: i64) -> Self {
        let oldest = arrival_micros.saturating_sub(LATE_MICROS);
        let newest = arrival_micros.saturating_add(EARLY_MICROS);
        let believed = time_micros != 0 && (oldest..=newest).contains(&time_micros);
        let micros = if believed { time_micros } else { arrival_micros };
        Self(micros.div_euclid(DAY_MICROS))
    }

    /// The day as `YYYY-MM-DD`.
    fn date(self) -> NaiveDate {
        i32::try_from(self.0).ok().and_then(NaiveDate::from_epoch_days).unwrap_or_default()
    }
}

/// The path of a file below the target: it depends on the range alone, so that a range has one file a table and day.
pub(crate) fn path(table: &str, day: Day, plan: &Plan) -> String {
    format!(
        "v1/{table}/date={}/{}-{}-{:016x}-{:016x}.parquet",
        day.date(),
        plan.log,
        file_word(&plan.exporter),
        plan.first.0,
        plan.last.0,
    )
}

/// The exporter's id as a part of a file name; different ids give different words.
pub(crate) fn file_word(id: &ComponentId) -> String {
    let mut word = id.kind().to_owned();
    if !id.name().is_empty() {
        word.push('.');
    }
    for byte in id.name().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => word.push(char::from(byte)),
            other => word.push_str(&format!(".{other:02x}")),
        }
    }
    word
}

/// Whether the id leaves room in a file name.
pub(crate) fn fits_file_name(id: &ComponentId) -> bool {
    file_word(id).len() <= ID_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spanledger_component::{LogId, PlanId, Position};

    use super::*;

    const HOUR: i64 = 60 * 60 * 1_000_000;
    /// 2026-11-20T12:00:00Z, from `date -u -d 2026-11-20T12:00:00Z +%s`.
    const NOON: i64 = 1_795_176_000_000_000;

    #[test]
    fn a_row_belongs_to_the_day_of_its_start_unless_that_cannot_be_right() {
        for (start, date) in [
            (NOON, "2026-11-20"),
            (NOON - 13 * HOUR, "2026-11-19"),
            (NOON - 168 * HOUR, "2026-11-13"),
            (NOON - 168 * HOUR - 1, "2026-11-20"),
            (NOON + 24 * HOUR, "2026-11-21"),
            (NOON + 24 * HOUR + 1, "2026-11-20"),
            (0, "2026-11-20"),
            (i64::MIN, "2026-11-20"),
            (i64::MAX, "2026-11-20"),
        ] {
            assert_eq!(Day::of(start, NOON).date().to_string(), date, "start {start}");
        }
    }

    #[test]
    fn no_start_goes_by_arrival_even_where_the_clock_says_1970() {
        assert_eq!(Day::of(0, 49 * HOUR).date().to_string(), "1970-01-03");
    }

    #[test]
    fn a_file_is_named_by_log_exporter_and_range() {
        let plan = Plan {
            id: PlanId([1; 16]),
            log: LogId([0xab; 16]),
            exporter: "parquet/eu".parse().unwrap(),
            first: Position(1),
            last: Position(255),
            excluded: vec![],
        };
        assert_eq!(
            path("spans", Day::of(NOON, NOON), &plan),
            "v1/spans/date=2026-11-20/abababababababababababababababab-parquet.eu-0000000000000001-00000000000000ff.parquet",
        );
    }

    proptest! {
        #[test]
        fn the_day_is_within_the_window_around_arrival(start: i64, arrival in 0..4_102_444_800_000_000_i64) {
            let day = Day::of(start, arrival).0;
            let arrived = arrival.div_euclid(DAY_MICROS);
            prop_assert!((arrived - 7..=arrived + 1).contains(&day));
        }

        #[test]
        fn different_ids_have_different_words_safe_in_a_path(one in "[a-zA-Z0-9_./é -]{1,8}", two in "[a-zA-Z0-9_./é -]{1,8}") {
            let id = |name: &str| format!("parquet/{name}").parse::<ComponentId>();
            if let (Ok(one), Ok(two)) = (id(&one), id(&two)) {
                prop_assert_eq!(one == two, file_word(&one) == file_word(&two));
                prop_assert!(file_word(&one).chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char)));
            }
        }
    }
}
