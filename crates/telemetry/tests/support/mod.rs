//! A strict reader of both text formats, written from their specifications and not from the writer.

use std::collections::BTreeMap;

/// One sample line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// What a body says.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) helps: BTreeMap<String, String>,
    pub(crate) units: BTreeMap<String, String>,
    pub(crate) samples: Vec<Sample>,
}

/// Reads a body; says what is wrong with it otherwise.
pub(crate) fn parse(text: &str, is_open_metrics: bool) -> Result<Body, String> {
    let mut lines: Vec<&str> =
        text.strip_suffix('\n').ok_or("the last line does not end")?.split('\n').collect();
    if is_open_metrics && lines.pop() != Some("# EOF") {
        return Err("no # EOF at the end".to_owned());
    }
    let mut body = Body::default();
    let mut family = String::new();
    for line in lines {
        match line.strip_prefix("# ") {
            Some(comment) => {
                let mut words = comment.splitn(3, ' ');
                let (Some(what), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
                    return Err(format!("comment {line:?}"));
                };
                name_is_valid(name)?;
                name.clone_into(&mut family);
                let escapes = if is_open_metrics { "\\n\"" } else { "\\n" };
                let (into, rest) = match what {
                    "HELP" => (&mut body.helps, unescape(rest, escapes)?),
                    "TYPE" => (&mut body.types, rest.to_owned()),
                    "UNIT" if is_open_metrics => (&mut body.units, rest.to_owned()),
                    _ => return Err(format!("comment {line:?}")),
                };
                if into.insert(name.to_owned(), rest).is_some() {
                    return Err(format!("{what} of {name} twice"));
                }
            }
            None => {
                let sample = sample(line)?;
                let kind = body.types.get(&family).ok_or("a sample before its TYPE")?;
                if !suffixes(kind, is_open_metrics).iter().any(|end| sample.name == format!("{family}{end}"))
                {
                    return Err(format!("{line:?} among the samples of the {kind} {family}"));
                }
                body.samples.push(sample);
            }
        }
    }
    Ok(body)
}

fn suffixes(kind: &str, is_open_metrics: bool) -> &'static [&'static str] {
    match (kind, is_open_metrics) {
        ("counter", true) => &["_total", "_created"],
        ("info", true) => &["_info"],
        ("histogram", true) => &["_bucket", "_sum", "_count", "_created"],
        ("histogram", false) => &["_bucket", "_sum", "_count"],
        ("gauge", _) | ("unknown", true) | ("counter", false) => &[""],
        _ => &[],
    }
}

fn sample(line: &str) -> Result<Sample, String> {
    let name_end = line.find(['{', ' ']).ok_or_else(|| format!("sample {line:?}"))?;
    let (name, mut rest) = line.split_at(name_end);
    name_is_valid(name)?;
    let mut labels = BTreeMap::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, after) = inside.split_once("=\"").ok_or_else(|| format!("label in {line:?}"))?;
            let first_is_valid = label.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            if !first_is_valid || !label.chars().all(|char| char.is_ascii_alphanumeric() || char == '_') {
                return Err(format!("label name {label:?}"));
            }
            let end = quote_end(after).ok_or_else(|| format!("no end of {label} in {line:?}"))?;
            let value = unescape(&after[..end], "\\n\"")?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err(format!("label {label} twice"));
            }
            inside = &after[end + 1..];
            match inside.split_at_checked(1) {
                Some((",", after)) => inside = after,
                Some(("}", after)) => break rest = after,
                _ => return Err(format!("after {label} in {line:?}")),
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or_else(|| format!("no value in {line:?}"))?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        number if number.contains(|char: char| !matches!(char, '0'..='9' | '.' | '-' | '+' | 'e')) => {
            return Err(format!("value {number:?}"));
        }
        number => number.parse().map_err(|_| format!("value {number:?}"))?,
    };
    Ok(Sample { name: name.to_owned(), labels, value })
}

fn quote_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

fn unescape(text: &str, escapes: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(escaped) if escapes.contains(escaped) => out.push(escaped),
                other => return Err(format!("escape of {other:?}")),
            },
            '"' if escapes.contains('"') => return Err(format!("a bare quote in {text:?}")),
            char => out.push(char),
        }
    }
    Ok(out)
}

fn name_is_valid(name: &str) -> Result<(), String> {
    let is_start = |char: char| char.is_ascii_alphabetic() || matches!(char, '_' | ':');
    let valid =
        name.starts_with(is_start) && name.chars().all(|char| is_start(char) || char.is_ascii_digit());
    if valid { Ok(()) } else { Err(format!("metric name {name:?}")) }
}
