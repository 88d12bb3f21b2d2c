//! The files have the columns of schema v1.1: the lists in `schema/` were made from its text, not from the code.
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
use spanledger_schema::{Field, Logs, Role, Spans, Table as _, content};
use support::{NOON, batch, exporter, file, log_records, plan, span, spans};

/// The columns of a table that the collector keeps: of `content`, places in the rows of spans.
fn fields(table: &str) -> Vec<Field> {
    match table {
        "spans" => Spans::FIELDS[..content::SPANS_COLUMNS].to_vec(),
        "content" => content::COLUMNS.map(|place| Spans::FIELDS[place]).to_vec(),
        _ => Logs::FIELDS[..content::LOGS_COLUMNS].to_vec(),
    }
}

/// How the lists call the way a column is stored; that files are stored so is told in `directory.rs`.
fn word(role: Role) -> &'static str {
    match role {
        Role::Plain | Role::Id => "plain",
        Role::Dictionary => "dict",
        Role::Delta => "delta",
        Role::Lookup => "bloom",
        Role::DictionaryLookup => "dict+bloom",
        Role::Heavy => "long",
        Role::HeavyDictionary => "long+dict",
        Role::Internal => "internal",
    }
}

/// A line for each column that has a field id: id, path, whether it may be null, types; and how it is stored, for all
/// but the nested ones.
fn lines(node: &Type, path: &str, fields: &[Field], out: &mut Vec<String>) {
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
        let line = format!("{} {path} {repetition} {types}", info.id());
        let stored = fields.iter().find(|field| field.name == path).map(|field| word(field.role));
        out.push([Some(line.as_str()), stored].into_iter().flatten().collect::<Vec<_>>().join(" "));
    }
    if let Type::GroupType { fields: children, .. } = node {
        for field in children {
            let path = [path, field.name()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            lines(field, &path.join("."), fields, out);
        }
    }
}

#[tokio::test]
async fn every_table_has_the_columns_types_field_ids_and_storage_of_schema_v1() {
    let root = tempfile::tempdir().unwrap();
    let mut exporter = exporter(root.path()).await;
    let spans = spans(1, &[support::Span { input: Some("hi"), ..span(NOON, 1) }]);
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
        lines(file.metadata().file_metadata().schema(), "", &fields(table), &mut found);
        assert_eq!(found, expected.lines().collect::<Vec<_>>(), "{table}");
    }
}
