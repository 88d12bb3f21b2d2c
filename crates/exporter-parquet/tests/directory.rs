//! Files in a folder: what stands in them, and that it stands there once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test may stop it where its own data is wrong"
)]
#![allow(dead_code, reason = "each test file uses a part of what they share")]

mod support;

use std::fs;

use parquet::basic::Encoding;
use parquet::file::reader::FileReader as _;
use spanledger_component::{Exporter, Rows};
use support::*;

async fn deliver(exporter: &mut dyn Exporter, id: u8, first: u64, last: u64) {
    exporter.seal(&plan(id, first, last)).unwrap().deliver().await.unwrap();
}

#[tokio::test]
async fn spans_are_sorted_by_minute_then_trace_and_content_by_trace() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let says = |time, trace, input| Span { input: Some(input), ..span(time, trace) };
    let first = spans(1, &[says(NOON + MINUTE, 1, "c"), span(NOON + 9, 3), says(NOON + 5, 2, "b")]);
    let second = spans(2, &[says(NOON + 1, 2, "a"), span(NOON + MINUTE, 0xf << 124)]);
    exporter.export(&batch(1, 1, vec![Rows::Spans(first)])).await.unwrap();
    exporter.export(&batch(2, 2, vec![Rows::Spans(second)])).await.unwrap();
    deliver(exporter.as_mut(), 7, 1, 2).await;

    let spans = rows(&file(root.path(), "spans"));
    let order: Vec<_> = spans.iter().map(|row| (value(row, "position"), value(row, "index"))).collect();
    let expected = [("2", "0"), ("1", "2"), ("1", "1"), ("1", "0"), ("2", "1")];
    assert_eq!(order, expected.map(|(position, index)| (position.to_owned(), index.to_owned())));

    let events: Vec<_> = spans.iter().map(|row| value(row, "events").matches("of the row").count()).collect();
    assert_eq!(events, [0, 2, 1, 0, 1], "nested values stay with their row");

    let content = rows(&file(root.path(), "content"));
    let messages: Vec<_> = content.iter().map(|row| value(row, "input_messages")).collect();
    assert_eq!(messages, ["\"c\"", "\"a\"", "\"b\""]);
}

#[tokio::test]
async fn messages_that_came_as_log_records_of_a_span_stand_in_both_tables() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let said = spans(1, &[Span { input: Some("in a span"), ..span(NOON, 3) }]);
    let told = told_records(
        2,
        &[(NOON, Some(2), Some("in a record")), (NOON, None, Some("of no span")), (NOON, Some(1), None)],
    );
    exporter.export(&batch(1, 2, vec![Rows::Spans(said), Rows::Logs(told)])).await.unwrap();
    deliver(exporter.as_mut(), 7, 1, 2).await;

    let content = rows(&file(root.path(), "content"));
    let mut messages: Vec<_> = content
        .iter()
        .map(|row| ["input_messages", "position", "index", "span_id"].map(|column| value(row, column)))
        .collect();
    messages.sort();
    let span_id = value(&rows(&file(root.path(), "spans"))[0], "span_id");
    assert_eq!(messages, [["\"in a record\"", "2", "0", &span_id], ["\"in a span\"", "1", "0", &span_id]]);
    assert_eq!(rows(&file(root.path(), "logs")).len(), 3, "they stay log records");
    assert_eq!(key_value(&file(root.path(), "content"), "spanledger.rows").as_deref(), Some("2"));
}

#[tokio::test]
async fn the_name_and_the_footer_tell_the_plan() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let row = Span { price_version: Some("2026-11-20"), ..span(NOON, 1) };
    let rows = vec![Rows::Spans(spans(17, &[row, Span { time: NOON + 1, ..row }]))];
    exporter.export(&batch(16, 31, rows)).await.unwrap();
    deliver(exporter.as_mut(), 7, 16, 31).await;

    let name = format!("{}-parquet-0000000000000010-000000000000001f.parquet", "ab".repeat(16));
    let path = root.path().join("v1/spans/date=2026-11-20").join(name);
    assert_eq!(files(root.path()), [path]);
    let file = file(root.path(), "spans");
    for (key, value) in [
        ("spanledger.plan", "07070707070707070707070707070707"),
        ("spanledger.log", "abababababababababababababababab"),
        ("spanledger.exporter", "parquet"),
        ("spanledger.first", "16"),
        ("spanledger.last", "31"),
        ("spanledger.schema_version", "1.1"),
        ("spanledger.semconv", "1.41"),
        ("spanledger.table", "spans"),
        ("spanledger.rows", "2"),
        ("spanledger.time_min", "2026-11-20T12:00:00.000000Z"),
        ("spanledger.time_max", "2026-11-20T12:00:00.000001Z"),
        ("spanledger.price_version", "2026-11-20"),
    ] {
        assert_eq!(key_value(&file, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(key_value(&file, "ARROW:schema"), None);
}

#[tokio::test]
async fn the_footer_names_all_tables_of_prices_in_order() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let priced = |price_version| Span { price_version, ..span(NOON, 1) };
    for (position, versions) in [(1, ["b/2", "a/1"]), (2, ["a/1", "c/3"])] {
        let rows = versions.map(|version| priced(Some(version)));
        let rows = vec![Rows::Spans(spans(position, &rows))];
        exporter.export(&batch(position as u64, position as u64, rows)).await.unwrap();
    }
    deliver(exporter.as_mut(), 7, 1, 2).await;
    let file = file(root.path(), "spans");
    assert_eq!(key_value(&file, "spanledger.price_version").as_deref(), Some("a/1,b/2,c/3"));
}

#[tokio::test]
async fn rows_of_two_days_are_two_files_and_odd_times_go_by_arrival() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let rows = [span(NOON, 1), span(NOON - DAY, 2), span(0, 3), span(NOON + 3 * DAY, 4)];
    exporter.export(&batch(1, 1, vec![Rows::Spans(spans(1, &rows))])).await.unwrap();
    deliver(exporter.as_mut(), 7, 1, 1).await;

    let days = ["2026-11-19", "2026-11-20"].map(|day| format!("v1/spans/date={day}"));
    let traces = days.map(|day| {
        let files = files(&root.path().join(day));
        let file = fs::File::open(&files[0]).unwrap();
        let file = parquet::file::reader::SerializedFileReader::new(file).unwrap();
        support::rows(&file)
            .iter()
            .map(|row| value(row, "trace_id").trim_matches('"').chars().next_back())
            .collect::<Vec<_>>()
    });
    assert_eq!(traces, [vec![Some('2')], vec![Some('3'), Some('1'), Some('4')]]);
}

#[tokio::test]
async fn log_records_stand_in_their_own_table_sorted_with_those_of_no_trace_first() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let records = log_records(1, &[(NOON + 2, Some(2)), (NOON + 1, Some(2)), (NOON, None)]);
    exporter.export(&batch(1, 1, vec![Rows::Logs(records)])).await.unwrap();
    deliver(exporter.as_mut(), 7, 1, 1).await;
    let file = file(root.path(), "logs");
    let order: Vec<_> = rows(&file).iter().map(|row| value(row, "index")).collect();
    assert_eq!(order, ["2", "1", "0"]);
    assert_eq!(key_value(&file, "spanledger.price_version"), None);
}

#[tokio::test]
async fn a_run_is_a_row_group_with_bloom_filters_and_the_encodings_of_its_columns() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let row = Span { session: Some("a session"), user: Some("a user"), ..Span::default() };
    let input = |trace| (trace == 5).then_some("hello");
    let rows: Vec<Span> = (0..8192).map(|trace| Span { trace, input: input(trace), ..row }).collect();
    for position in 1..=3 {
        let rows = vec![Rows::Spans(spans(position, &rows))];
        exporter.export(&batch(position as u64, position as u64, rows)).await.unwrap();
    }
    deliver(exporter.as_mut(), 7, 1, 3).await;
    let file = file(root.path(), "spans");
    let groups = file.metadata().row_groups();
    assert_eq!(groups.iter().map(|group| group.num_rows()).collect::<Vec<_>>(), [16_384, 8192]);
    let column = |name: &str| groups[0].columns().iter().find(|column| column.column_path().string() == name);
    for (name, encoding, bloom) in [
        ("time", Encoding::DELTA_BINARY_PACKED, false),
        ("trace_id", Encoding::PLAIN, true),
        ("span_id", Encoding::PLAIN, false),
        ("service_name", Encoding::RLE_DICTIONARY, false),
        ("session_id", Encoding::RLE_DICTIONARY, true),
        ("user_id", Encoding::RLE_DICTIONARY, true),
        ("position", Encoding::DELTA_BINARY_PACKED, false),
        ("span_attributes.key_value.key", Encoding::RLE_DICTIONARY, false),
    ] {
        let column = column(name).unwrap();
        let encodings: Vec<_> = column.encodings().collect();
        assert!(encodings.contains(&encoding), "{name}: {encodings:?}");
        let has_dictionary = encoding == Encoding::RLE_DICTIONARY;
        assert_eq!(column.dictionary_page_offset().is_some(), has_dictionary, "{name}: {encodings:?}");
        assert_eq!(column.bloom_filter_offset().is_some(), bloom, "{name}");
        assert!(column.compression().to_string().starts_with("ZSTD"), "{name}");
        // A query can ask for pages by a column's value, but not by an attribute's, nor by an id in no order.
        let has_statistics = name != "span_id" && !name.starts_with("span_attributes");
        assert_eq!(column.statistics().is_some(), has_statistics, "{name}");
        assert_eq!(column.column_index_offset().is_some(), has_statistics, "{name}");
    }
    let content = support::file(root.path(), "content");
    let sorted = content.metadata().row_group(0).sorting_columns().unwrap();
    let names = |place: i32| content.metadata().row_group(0).column(place as usize).column_path().string();
    let sorted: Vec<_> = sorted.iter().map(|key| (names(key.column_idx), key.descending)).collect();
    assert_eq!(sorted, [("trace_id".to_owned(), false), ("time".to_owned(), false)]);
    let messages = content.metadata().row_group(0).column(6);
    assert_eq!(messages.column_path().string(), "input_messages");
    assert!(messages.statistics().is_none() && messages.dictionary_page_offset().is_none());
}

#[tokio::test]
async fn the_same_rows_make_the_same_files_after_they_were_abandoned() {
    let made = |abandon: bool| async move {
        let root = tempfile::tempdir().unwrap();
        let mut exporter = exporter(root.path()).await;
        let rows = [span(NOON, 2), Span { input: Some("hi"), ..span(NOON - DAY, 1) }];
        let batch =
            batch(1, 1, vec![Rows::Spans(spans(1, &rows)), Rows::Logs(log_records(1, &[(NOON, None)]))]);
        if abandon {
            exporter.export(&batch).await.unwrap();
            exporter.abandon();
            assert_eq!(exporter.seal_by(), None);
        }
        exporter.export(&batch).await.unwrap();
        deliver(exporter.as_mut(), 7, 1, 1).await;
        let below = |path: std::path::PathBuf| path.strip_prefix(root.path()).unwrap().to_owned();
        files(root.path()).into_iter().map(|path| (fs::read(&path).unwrap(), below(path))).collect::<Vec<_>>()
    };
    let once = made(false).await;
    assert_eq!(once.len(), 4);
    assert_eq!(made(true).await, once);
}

#[tokio::test]
async fn a_plan_that_is_carried_out_twice_leaves_one_file() {
    let root = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut exporter = exporter(root.path()).await;
        exporter.export(&batch(1, 1, vec![Rows::Spans(spans(1, &[span(NOON, 1)]))])).await.unwrap();
        let delivery = exporter.seal(&plan(7, 1, 1)).unwrap();
        delivery.deliver().await.unwrap();
        delivery.deliver().await.unwrap();
    }
    assert_eq!(rows(&file(root.path(), "spans")).len(), 1);
}

#[tokio::test]
async fn a_file_of_another_plan_is_left_alone_and_raises_the_alarm() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    for (id, trace) in [(7, 1), (8, 2)] {
        exporter.export(&batch(1, 1, vec![Rows::Spans(spans(1, &[span(NOON, trace)]))])).await.unwrap();
        let delivered = exporter.seal(&plan(id, 1, 1)).unwrap().deliver().await;
        let Err(retry) = delivered else { continue };
        assert!(id == 8 && retry.alarm);
        assert!(retry.to_string().contains("v1/spans/date=2026-11-20/abab"), "{retry}");
        assert!(retry.to_string().contains("spanledger wal new-identity"), "{retry}");
    }
    let file = file(root.path(), "spans");
    assert_eq!(key_value(&file, "spanledger.plan").unwrap(), "07".repeat(16));
    assert_eq!(rows(&file)[0].get_column_iter().nth(3).unwrap().1.to_string(), format!("\"{:032x}\"", 1));
}
