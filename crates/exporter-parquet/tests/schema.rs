//! The files have the columns of schema v1: the lists in `schema/` were made from its text, not from the code.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test may stop it where its own data is wrong"
)]
#![allow(dead_code, reason = "each test file uses a part of what they share")]

mod support;

use parquet::file::reader::FileReader as _;
use parquet::schema::types::Type;
use spanledger_component::Rows;
use support::{NOON, Span, batch, exporter, file, log_records, plan, span, spans};

/// A line for each column that has a field id: id, path, whether it may be null, types.
fn lines(node: &Type, path: &str, out: &mut Vec<String>) {
    let info = node.get_basic_info();
    if info.has_id() {
        let repetition = info.repetition().to_string().to_lowercase();
        let (physical, precision) = match node {
            Type::PrimitiveType { physical_type, precision, scale, .. } => {
                (physical_type.to_string(), format!("({precision},{scale})"))
            }
            Type::GroupType { .. } => ("group".to_owned(), String::new()),
        };
        let logical = info.logical_type_ref().map(|logical| format!("{logical:?}"));
        let types = match (physical.as_str(), logical.as_deref()) {
            ("group", Some(logical)) => logical.to_uppercase(),
            (physical, None) => physical.to_owned(),
            (physical, Some(logical)) if logical.starts_with("Decimal") => {
                format!("{physical} Decimal{precision}")
            }
            (physical, Some(logical)) if logical.starts_with("Timestamp") => {
                assert!(
                    logical.contains("is_adjusted_to_u_t_c: true") && logical.contains("MICROS"),
                    "{logical}"
                );
                format!("{physical} Timestamp(us,utc)")
            }
            (physical, Some(logical)) => format!("{physical} {logical}"),
        };
        out.push(format!("{} {path} {repetition} {types}", info.id()));
    }
    if let Type::GroupType { fields, .. } = node {
        for field in fields {
            let path = [path, field.name()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            lines(field, &path.join("."), out);
        }
    }
}

#[tokio::test]
async fn every_table_has_the_columns_types_and_field_ids_of_schema_v1() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let spans = spans(1, &[Span { input: Some("hi"), ..span(NOON, 1) }]);
    let rows = vec![Rows::Spans(spans), Rows::Logs(log_records(1, &[(NOON, None)]))];
    exporter.export(&batch(1, 1, rows)).await.unwrap();
    exporter.seal(&plan(7, 1, 1)).unwrap().deliver().await.unwrap();
    for (table, expected) in [
        ("spans", include_str!("schema/spans.txt")),
        ("content", include_str!("schema/content.txt")),
        ("logs", include_str!("schema/logs.txt")),
    ] {
        let file = file(root.path(), table);
        let mut found = Vec::new();
        lines(file.metadata().file_metadata().schema(), "", &mut found);
        assert_eq!(found, expected.lines().collect::<Vec<_>>(), "{table}");
    }
}
