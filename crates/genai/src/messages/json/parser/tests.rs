use super::*;

fn written(json: Option<Json<'_>>) -> Option<String> {
    json.map(|json| json.to_text())
}

#[test]
fn json_comes_out_as_it_went_in() {
    for text in [
        "null",
        "true",
        r#"{"b":1,"a":[-0.10e+5,"x",{}],"b":2}"#,
        r#""quote \" backslash \\ line \n tab \t bell \u0007""#,
        r#""grüße ☀️""#,
        "[]",
    ] {
        assert_eq!(written(parse(text)).as_deref(), Some(text));
    }
}

#[test]
fn escapes_are_read_and_half_a_pair_is_replaced() {
    let text = r#""\u00fc\ud83d\ude00\/ \ud83d x \ude00 \ud83d\u0041""#;
    assert_eq!(parse(text), Some(Json::text("ü😀/ \u{fffd} x \u{fffd} \u{fffd}A")));
}

#[test]
fn what_is_no_json_is_not_read() {
    for text in [
        "", "{", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "-", "+1", "'a'", "None", "\"\\x\"", "[1] 2", "\"a",
        "\\u00",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn too_deep_or_too_much_is_not_read() {
    assert!(parse(&format!("{}{}", "[".repeat(60), "]".repeat(60))).is_some());
    assert_eq!(parse(&"[".repeat(1_000_000)), None);
    assert_eq!(parse_cut(&"[".repeat(1_000_000)), None);
    assert_eq!(parse(&format!("[{}0]", "0,".repeat(VALUES_MAX))), None);
}

#[test]
fn python_s_reprs_are_read() {
    let text = r#"{'a': None, "b": (True, False,), 'c': 'it\'s \x41\n', 'd': 1e-05, 'e': nan}"#;
    let expected = r#"{"a":null,"b":[true,false],"c":"it's A\n","d":1e-05,"e":"NaN"}"#;
    assert_eq!(written(parse_python(text)).as_deref(), Some(expected));
    assert_eq!(parse_python("{'a': <object at 0x7f>}"), None);
}

#[test]
fn json_without_its_end_is_read_as_far_as_it_goes() {
    for (text, expected) in [
        (r#"[{"a":"b"#, r#"[{"a":"b"}]"#),
        (r#"{"a":1,"b"#, r#"{"a":1}"#),
        (r#"{"a":tr"#, r#"{"a":null}"#),
        (r#"["x\"#, r#"["x"]"#),
        (r#"["x\n"#, r#"["x\n"]"#),
        ("[1,", "[1]"),
    ] {
        assert_eq!(written(parse_cut(text)).as_deref(), Some(expected), "{text}");
    }
}
