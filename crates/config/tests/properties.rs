//! Whatever the text, loading ends with a graph or with problems.

mod common;

use common::{FakeEnv, load_with};
use proptest::prelude::*;

const VALID: &str = include_str!("../../../config/local.yaml");

fn env() -> FakeEnv {
    FakeEnv::with(
        &[("A", "${env:B}"), ("B", "[1, {c: ${env:A:-d}}]"), ("C", "$${env:B}")],
        &[("f", "x: 1\n")],
    )
}

fn lines() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("receivers: ".to_owned()),
        Just("exporters: {parquet: {path: a, ".to_owned()),
        Just("rotation: {max_age: ".to_owned()),
        Just("service: {pipelines: {traces: {receivers: [otlp]".to_owned()),
        Just("}}".to_owned()),
        Just("&a ".to_owned()),
        Just("*a ".to_owned()),
        Just("<<: ".to_owned()),
        Just("a::b: ".to_owned()),
        Just("\n  - ".to_owned()),
        Just("\n".to_owned()),
        Just("${env:A}".to_owned()),
        Just("${env:B}x${C}".to_owned()),
        Just("$$${file:f}".to_owned()),
        "[ -~\n]{0,12}",
        ".{0,4}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        drop(load_with(&text, &env()));
    }

    #[test]
    fn text_like_a_config_never_panics(text in lines()) {
        drop(load_with(&text, &env()));
    }

    #[test]
    fn a_valid_config_with_something_changed_never_panics(
        cut in 0..VALID.len(), length in 0..40usize, put in lines()
    ) {
        let mut text = VALID.to_owned();
        let start = text.floor_char_boundary(cut);
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        text.replace_range(start..end, &put);
        drop(load_with(&text, &env()));
    }
}
