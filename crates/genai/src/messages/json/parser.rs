//! Reads JSON, the reprs that Python's `str()` makes of dicts and lists, and JSON that was cut off at the end.

use std::borrow::Cow;

use super::{Json, Keys};

/// Deeper values are not read. Far more than any message has.
const DEPTH_MAX: usize = 64;
/// Values with more inside are not read: a bound on memory, which is several times their text.
const VALUES_MAX: usize = 200_000;

/// Reads JSON. `None` for anything else, and for what is too deep or has too much inside.
pub(crate) fn parse(text: &str) -> Option<Json<'_>> {
    Parser::new(text, Kind::Json).read()
}

/// Reads what Python prints of dicts, lists, tuples, strings, numbers, `True`, `False` and `None`.
pub(crate) fn parse_python(text: &str) -> Option<Json<'_>> {
    Parser::new(text, Kind::Python).read()
}

/// Reads JSON whose end is missing, as after an SDK's limit on the length of attributes.
pub(crate) fn parse_cut(text: &str) -> Option<Json<'_>> {
    Parser::new(text, Kind::Cut).read()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Python,
    Cut,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    kind: Kind,
    values: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, kind: Kind) -> Self {
        Self { text, at: 0, kind, values: 0 }
    }

    fn read(mut self) -> Option<Json<'a>> {
        let value = self.value(0)?;
        self.skip_space();
        (self.at == self.text.len()).then_some(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the text ended here and may.
    fn is_cut(&self) -> bool {
        self.kind == Kind::Cut && self.at >= self.text.len()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        self.values += 1;
        if depth > DEPTH_MAX || self.values > VALUES_MAX {
            return None;
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(b']', depth),
            Some(b'(') if self.kind == Kind::Python => self.array(b')', depth),
            Some(b'"') => self.string(b'"').map(Json::Text),
            Some(b'\'') if self.kind == Kind::Python => self.string(b'\'').map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
            None => self.is_cut().then_some(Json::Null),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut keys = Vec::new();
        loop {
            self.skip_space();
            if self.is_cut() || self.eat(b'}') {
                break;
            }
            let name = match self.peek()? {
                b'"' => self.string(b'"')?,
                b'\'' if self.kind == Kind::Python => self.string(b'\'')?,
                _ => return None,
            };
            self.skip_space();
            // A name that was cut is no name.
            if self.is_cut() {
                break;
            }
            if !self.eat(b':') {
                return None;
            }
            let value = self.value(depth + 1)?;
            keys.push((name, value));
            if !self.is_followed(b'}')? {
                break;
            }
        }
        Some(Json::Object(Keys(keys)))
    }

    fn array(&mut self, end: u8, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut elements = Vec::new();
        loop {
            self.skip_space();
            if self.is_cut() || self.eat(end) {
                break;
            }
            elements.push(self.value(depth + 1)?);
            if !self.is_followed(end)? {
                break;
            }
        }
        Some(Json::Array(elements))
    }

    /// After an element: whether another may come.
    fn is_followed(&mut self, end: u8) -> Option<bool> {
        self.skip_space();
        if self.is_cut() || self.eat(end) {
            return Some(false);
        }
        if !self.eat(b',') {
            return None;
        }
        self.skip_space();
        // Only Python allows a comma at the end.
        (self.kind == Kind::Python || self.peek() != Some(end)).then_some(true)
    }

    fn string(&mut self, quote: u8) -> Option<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut run = start;
        loop {
            let plain = self.rest().bytes().position(|byte| byte == quote || byte == b'\\' || byte < b' ');
            self.at += plain.unwrap_or(self.text.len() - self.at);
            let piece = self.text.get(run..self.at)?;
            match self.peek() {
                Some(byte) if byte == quote => {
                    self.at += 1;
                    return Some(join(unescaped, piece));
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_with(String::new);
                    text.push_str(piece);
                    self.at += 1;
                    if self.is_cut() {
                        return unescaped.map(Cow::Owned);
                    }
                    let text = unescaped.get_or_insert_with(String::new);
                    self.at += escape(self.text.get(self.at..)?, self.kind == Kind::Python, text)?;
                    run = self.at;
                }
                // Raw control characters are not JSON, but some senders write them.
                Some(_) => self.at += 1,
                None => return self.is_cut().then(|| join(unescaped, piece)),
            }
        }
    }

    fn number(&mut self) -> Option<Json<'a>> {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        while self.peek().as_ref().is_some_and(is_part) {
            self.at += 1;
        }
        let digits = self.text.get(start..self.at)?;
        if digits == "-" && self.rest().starts_with("Infinity") {
            self.at += "Infinity".len();
            return Some(Json::text("-Infinity"));
        }
        if is_number(digits) {
            return Some(Json::Number(Cow::Borrowed(digits)));
        }
        // Half a number is not a number.
        self.is_cut().then_some(Json::Null)
    }

    fn word(&mut self) -> Option<Json<'a>> {
        const WORDS: [(&str, Kind, Json<'static>); 9] = [
            ("null", Kind::Json, Json::Null),
            ("true", Kind::Json, Json::Bool(true)),
            ("false", Kind::Json, Json::Bool(false)),
            // What Python writes into JSON.
            ("NaN", Kind::Json, Json::Text(Cow::Borrowed("NaN"))),
            ("Infinity", Kind::Json, Json::Text(Cow::Borrowed("Infinity"))),
            ("None", Kind::Python, Json::Null),
            ("True", Kind::Python, Json::Bool(true)),
            ("False", Kind::Python, Json::Bool(false)),
            ("nan", Kind::Python, Json::Text(Cow::Borrowed("NaN"))),
        ];
        let rest = self.rest();
        for (word, kind, value) in WORDS {
            if (kind == Kind::Json || kind == self.kind) && rest.starts_with(word) {
                self.at += word.len();
                return Some(value);
            }
            if self.kind == Kind::Cut && kind == Kind::Json && word.starts_with(rest) {
                self.at = self.text.len();
                return Some(Json::Null);
            }
        }
        None
    }
}

fn join<'a>(unescaped: Option<String>, piece: &'a str) -> Cow<'a, str> {
    match unescaped {
        Some(text) => Cow::Owned(text + piece),
        None => Cow::Borrowed(piece),
    }
}

/// Reads what follows a backslash, and says how long it is.
fn escape(rest: &str, is_python: bool, text: &mut String) -> Option<usize> {
    let byte = *rest.as_bytes().first()?;
    let character = match byte {
        b'"' | b'\\' | b'/' => char::from(byte),
        b'\'' if is_python => '\'',
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => return unicode(rest, text),
        b'x' if is_python => return hex(rest, 2, text),
        b'U' if is_python => return hex(rest, 8, text),
        _ => return None,
    };
    text.push(character);
    Some(1)
}

fn digits(rest: &str, count: usize) -> Option<u32> {
    let digits = rest.get(1..=count)?;
    // `from_str_radix` would take a sign.
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

fn hex(rest: &str, count: usize, text: &mut String) -> Option<usize> {
    text.push(char::from_u32(digits(rest, count)?).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(1 + count)
}

/// `uXXXX`, or two of them that stand for one character. Half of such a pair becomes U+FFFD: no text can hold it.
fn unicode(rest: &str, text: &mut String) -> Option<usize> {
    let first = digits(rest, 4)?;
    if let Some(character) = char::from_u32(first) {
        text.push(character);
        return Some(5);
    }
    let second = rest.get(5..).and_then(|rest| rest.strip_prefix('\\')).filter(|rest| rest.starts_with('u'));
    let pair = second.and_then(|rest| digits(rest, 4)).filter(|low| (0xDC00..0xE000).contains(low));
    match pair.filter(|_| first < 0xDC00) {
        Some(low) => {
            let code = 0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            Some(11)
        }
        None => {
            text.push(char::REPLACEMENT_CHARACTER);
            Some(5)
        }
    }
}

/// Whether JSON would write a number like this.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(is_digits)
}

#[cfg(test)]
mod tests;
