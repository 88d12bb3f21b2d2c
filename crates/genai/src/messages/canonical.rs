//! Tells by the beginning of a text whether it is in the conventions' shape already, so that 100 KB of messages need
//! not be read.

/// So many keys of a message, or of a part, are looked at.
const KEYS_MAX: usize = 8;
/// Texts up to this length are passed over on the way to the next key.
const TEXT_BYTES_MAX: usize = 256;

/// `[{"role": …, "parts": [{"type": …`, whatever the order of keys. Pydantic AI calls what was thought `thinking`.
pub(crate) fn is_messages(text: &str) -> bool {
    is_complete(text) && begins_with_message(text).unwrap_or(false) && !text.contains("\"thinking\"")
}

/// `[{"type": "text", "content": …`.
pub(crate) fn is_parts(text: &str) -> bool {
    is_complete(text) && Scan(text).array().is_some_and(|scan| scan.is_part().unwrap_or(false))
}

/// `[{"type": "function", "name": …`.
pub(crate) fn is_tools(text: &str) -> bool {
    is_complete(text) && begins_with_tool(text).unwrap_or(false)
}

/// An attribute that an SDK cut short is no JSON any more.
fn is_complete(text: &str) -> bool {
    text.trim_end().ends_with(']')
}

fn begins_with_message(text: &str) -> Option<bool> {
    let mut scan = Scan(text).array()?.symbol('{')?;
    for _ in 0..KEYS_MAX {
        let (key, value) = scan.key()?;
        if key == "parts" {
            let parts = value.array()?;
            return if parts.symbol(']').is_some() { Some(true) } else { parts.is_part() };
        }
        // Content and tool calls of other shapes are lists, objects or long.
        if !matches!(key, "role" | "name" | "finish_reason" | "id" | "index") {
            return None;
        }
        scan = value.scalar()?.symbol(',')?;
    }
    None
}

fn begins_with_tool(text: &str) -> Option<bool> {
    let mut scan = Scan(text).array()?.symbol('{')?;
    for _ in 0..KEYS_MAX {
        let (key, value) = scan.key()?;
        match key {
            "name" => return Some(true),
            "type" | "description" => scan = value.scalar()?.symbol(',')?,
            _ => return None,
        }
    }
    None
}

/// What is still to be looked at.
#[derive(Clone, Copy)]
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    fn symbol(self, symbol: char) -> Option<Self> {
        self.0.trim_start().strip_prefix(symbol).map(Self)
    }

    fn array(self) -> Option<Self> {
        self.symbol('[')
    }

    /// A text without escapes.
    fn text(self) -> Option<(&'a str, Self)> {
        let rest = self.symbol('"')?.0;
        let mut bytes = rest.bytes().take(TEXT_BYTES_MAX);
        let end = bytes.position(|byte| matches!(byte, b'"' | b'\\'))?;
        Some((rest.get(..end)?, Self(rest.get(end..)?.strip_prefix('"')?)))
    }

    fn key(self) -> Option<(&'a str, Self)> {
        let (key, rest) = self.text()?;
        Some((key, rest.symbol(':')?))
    }

    /// What follows a text, a number or null.
    fn scalar(self) -> Option<Self> {
        if let Some((_, rest)) = self.text() {
            return Some(rest);
        }
        let rest = self.0.trim_start();
        let end = rest.bytes().take(TEXT_BYTES_MAX).position(|byte| !byte.is_ascii_alphanumeric())?;
        (end > 0).then_some(())?;
        rest.get(end..).map(Self)
    }

    /// Whether a part of the conventions begins here. Vercel's have a `text` where these have a `content`; those of
    /// Gemini and Bedrock have no `type`.
    fn is_part(self) -> Option<bool> {
        let (key, value) = self.symbol('{')?.key()?;
        if key == "content" {
            return Some(true);
        }
        if key != "type" {
            return None;
        }
        let (kind, rest) = value.text()?;
        let (key, _) = rest.symbol(',')?.key()?;
        let known = match kind {
            "text" | "reasoning" => key == "content",
            "tool_call" => matches!(key, "id" | "name" | "arguments"),
            "tool_call_response" => matches!(key, "id" | "response" | "name"),
            "blob" | "uri" => matches!(key, "mime_type" | "modality" | "content" | "uri"),
            _ => false,
        };
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_conventions_are_known_by_their_beginning() {
        for text in [
            r#"[{"role":"user","parts":[{"type":"text","content":"Say hi"}]}]"#,
            r#"[{"role": "user", "parts": [{"content": "Say hi", "type": "text"}]}]"#,
            r#" [ {"role":"assistant","finish_reason":"stop","parts":[{"type":"tool_call","id":null}]}] "#,
            r#"[{"role":"user","parts":[]}]"#,
            r#"[{"name":null,"role":"tool","parts":[{"type":"tool_call_response","id":"call_1"}]}]"#,
        ] {
            assert!(is_messages(text), "{text}");
        }
    }

    #[test]
    fn other_shapes_are_not_taken_for_them() {
        for text in [
            "",
            "Say hi",
            "[]",
            "[{}]",
            r#"[{"role":"user","content":"Say hi"}]"#,
            r#"[{"role":"user","parts":[{"text":"Gemini"}]}]"#,
            r#"[{"role":"user","parts":[{"type":"text","text":"Vercel"}]}]"#,
            r#"{"role":"user","parts":[{"type":"text","content":"no list"}]}"#,
            r#"[{"role":"user","parts":[{"type":"text","content":"cut o"#,
            r#"[{"role":"user","parts":"none"}]"#,
        ] {
            assert!(!is_messages(text), "{text}");
        }
    }

    #[test]
    fn instructions_and_tools_are_known_by_their_beginning() {
        assert!(is_parts(r#"[{"type":"text","content":"Be terse"}]"#));
        assert!(!is_parts(r#"[{"type":"text","text":"Be terse"}]"#));
        assert!(!is_parts("Be terse"));
        assert!(is_tools(r#"[{"type": "function", "name": "add"}]"#));
        assert!(!is_tools(r#"[{"type":"function","function":{"name":"add"}}]"#));
    }
}
