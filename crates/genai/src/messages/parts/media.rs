//! Images, audio, video and documents: sent inside, by address or by the id of an upload.

use super::{Json, Keys};

/// The media parts that name their type: OpenAI's, Anthropic's, Vercel's, Pydantic AI's. Others come back as they are.
pub(crate) fn typed<'a>(kind: &str, mut keys: Keys<'a>) -> Result<Json<'a>, Keys<'a>> {
    // Anthropic, and LangChain after it.
    if let Some(source) = keys.take_object("source") {
        return Ok(sourced(kind, source, keys));
    }
    let part = match kind {
        "image_url" | "input_image" => image_url(keys),
        "input_audio" => input_audio(keys),
        "file" | "input_file" if !keys.has("modality") => file(keys),
        "image" | "audio" | "video" if keys.has(kind) => nested(kind, keys),
        "image-url" | "audio-url" | "video-url" | "document-url" => {
            let modality = modality_of_type(kind.trim_end_matches("-url"));
            uri_or_blob(keys.take("url"), modality, None).and_rest(keys).json()
        }
        "binary" if keys.has("media_type") => blob(keys),
        "image" | "audio" | "video" if keys.has("url") || keys.has("data") || keys.has("base64") => {
            langchain(kind, keys)
        }
        _ => return Err(keys),
    };
    Ok(part)
}

/// Anthropic: `{source: {type: base64 | url | file | text | content, media_type, data | url | file_id}}`.
fn sourced<'a>(kind: &str, mut source: Keys<'a>, rest: Keys<'a>) -> Json<'a> {
    let mime = source.take("media_type");
    let modality = modality_of_type(kind);
    let how = source.take_text("type").unwrap_or_default();
    let part = match how.as_ref() {
        "url" => uri_or_blob(source.take("url"), modality, mime),
        "file" => Keys::of_type("file")
            .with_some("mime_type", mime)
            .with("modality", Json::text(modality))
            .with_some("file_id", source.take("file_id")),
        // A document in plain text needs no bytes.
        "text" => {
            Keys::of_type("text").with_some("content", source.take("data")).with_some("mime_type", mime)
        }
        _ => Keys::of_type("blob")
            .with_some("mime_type", mime)
            .with("modality", Json::text(modality))
            .with("content", source.take_any(&["data", "content"]).unwrap_or(Json::text(""))),
    };
    part.and_rest(source).and_rest(rest).json()
}

/// OpenAI: `{image_url: {url, detail}}` in chat, `{image_url, file_id, detail}` in the Responses API.
fn image_url(mut keys: Keys<'_>) -> Json<'_> {
    if let Some(file_id) = keys.take("file_id") {
        return Keys::of_type("file")
            .with("modality", Json::text("image"))
            .with("file_id", file_id)
            .and_rest(keys)
            .json();
    }
    match keys.take("image_url") {
        Some(Json::Object(mut inner)) => {
            uri_or_blob(inner.take("url"), "image", None).and_rest(inner).and_rest(keys).json()
        }
        url => uri_or_blob(url.or_else(|| keys.take("url")), "image", None).and_rest(keys).json(),
    }
}

/// OpenAI: `{input_audio: {data, format}}`.
fn input_audio(mut keys: Keys<'_>) -> Json<'_> {
    let mut inner = keys.take_object("input_audio").unwrap_or_default();
    let mime = inner.take_text("format").map(|format| Json::text(format!("audio/{format}")));
    Keys::of_type("blob")
        .with_some("mime_type", mime)
        .with("modality", Json::text("audio"))
        .with("content", inner.take("data").unwrap_or(Json::text("")))
        .and_rest(inner)
        .and_rest(keys)
        .json()
}

/// OpenAI: `{file: {file_id | file_data, filename}}`; in the Responses API the same without the inner object; Vercel:
/// `{data, mediaType, filename}`, where data may be an address.
fn file(mut keys: Keys<'_>) -> Json<'_> {
    if let Some(inner) = keys.take_object("file") {
        keys = inner.and_rest(keys);
    }
    let mime = keys.take_any(&["mediaType", "mimeType", "mime_type", "media_type"]);
    let modality = mime.as_ref().and_then(Json::as_text).map_or("document", modality_of_mime);
    if let Some(file_id) = keys.take("file_id") {
        return Keys::of_type("file")
            .with_some("mime_type", mime)
            .with("modality", Json::text(modality))
            .with("file_id", file_id)
            .and_rest(keys)
            .json();
    }
    let data = match keys.take_any(&["file_data", "data", "file_url", "url", "uri"]) {
        // Vercel AI 7 says which it is: `{type: data, data}`, `{type: url, url}`.
        Some(Json::Object(mut inner)) if inner.has("type") => {
            inner.take_any(&["data", "url", "text", "reference"])
        }
        data => data,
    };
    uri_or_blob(data, modality, mime).and_rest(keys).json()
}

/// Vercel: `{image, mediaType}`, where the image may be an address; OpenInference: `{image: {url}}`, `{audio: {url}}`.
fn nested<'a>(kind: &str, mut keys: Keys<'a>) -> Json<'a> {
    let mime = keys.take_any(&["mediaType", "mimeType"]);
    match keys.take(kind) {
        Some(Json::Object(mut inner)) => {
            // OpenInference wraps twice: `message_content.image.image.url`.
            let mut inner = inner.take_object(kind).unwrap_or(inner);
            let mime = mime.or_else(|| inner.take("mime_type"));
            let data = inner.take_any(&["url", "data"]);
            uri_or_blob(data, kind, mime).and_rest(inner).and_rest(keys).json()
        }
        data => uri_or_blob(data, kind, mime).and_rest(keys).json(),
    }
}

/// LangChain: `{source_type, url | data | base64, mime_type}`.
fn langchain<'a>(kind: &str, mut keys: Keys<'a>) -> Json<'a> {
    keys.take("source_type");
    let mime = keys.take("mime_type");
    let data = keys.take_any(&["url", "data", "base64"]);
    uri_or_blob(data, modality_of_type(kind), mime).and_rest(keys).json()
}

/// Bedrock: `{image: {format, source: {bytes | s3Location: {uri}}}}`, and the same of documents and videos.
pub(crate) fn bedrock<'a>(kind: &'static str, mut keys: Keys<'a>) -> Json<'a> {
    let mut source = keys.take_object("source").unwrap_or_default();
    let mime = keys.take_text("format").map(|format| match kind {
        "document" => Json::text(format!("application/{format}")),
        _ => Json::text(format!("{kind}/{format}")),
    });
    let s3 = source.take_object("s3Location").and_then(|mut location| location.take("uri"));
    let part = match s3 {
        Some(uri) => uri_or_blob(Some(uri), kind, mime),
        None => Keys::of_type("blob")
            .with_some("mime_type", mime)
            .with("modality", Json::text(kind))
            .with("content", source.take("bytes").unwrap_or(Json::text(""))),
    };
    part.and_rest(source).and_rest(keys).json()
}

/// Gemini's inline data: `{mimeType, data}`; Pydantic AI's: `{media_type, content}`.
pub(crate) fn blob(mut keys: Keys<'_>) -> Json<'_> {
    let mime = keys.take_any(&["mimeType", "mime_type", "media_type"]);
    let modality = mime.as_ref().and_then(Json::as_text).map_or("document", modality_of_mime);
    Keys::of_type("blob")
        .with_some("mime_type", mime)
        .with("modality", Json::text(modality))
        .with("content", keys.take_any(&["data", "content"]).unwrap_or(Json::text("")))
        .and_rest(keys)
        .json()
}

/// Gemini's file data and Genkit's media: `{mimeType, fileUri}`, `{contentType, url}`.
pub(crate) fn uri(mut keys: Keys<'_>) -> Json<'_> {
    let mime = keys.take_any(&["mimeType", "mime_type", "contentType"]);
    let modality = mime.as_ref().and_then(Json::as_text).map_or("document", modality_of_mime);
    let uri = keys.take_any(&["fileUri", "file_uri", "url"]);
    uri_or_blob(uri, modality, mime).and_rest(keys).json()
}

/// An address, or the bytes themselves: as a `data:` address, or in base 64 alone.
pub(crate) fn uri_or_blob<'a>(data: Option<Json<'a>>, modality: &str, mime: Option<Json<'a>>) -> Keys<'a> {
    let modality = Json::text(modality.to_owned());
    let Some(Json::Text(data)) = data else {
        return Keys::of_type("blob")
            .with_some("mime_type", mime)
            .with("modality", modality)
            .with("content", data.unwrap_or(Json::text("")));
    };
    if let Some((found, content)) = data_address(&data) {
        let mime = mime.or_else(|| (!found.is_empty()).then(|| Json::text(found.to_owned())));
        let content = Json::text(content.to_owned());
        return Keys::of_type("blob")
            .with_some("mime_type", mime)
            .with("modality", modality)
            .with("content", content);
    }
    let is_address = data.get(..40).unwrap_or(&data).contains("://");
    let (kind, name) = if is_address { ("uri", "uri") } else { ("blob", "content") };
    Keys::of_type(kind).with_some("mime_type", mime).with("modality", modality).with(name, Json::Text(data))
}

/// The type and the content of `data:image/png;base64,…`.
fn data_address(data: &str) -> Option<(&str, &str)> {
    let (mime, content) = data.strip_prefix("data:")?.split_once(',')?;
    Some((mime.strip_suffix(";base64")?, content))
}

/// What a provider's type of part stands for in the conventions.
pub(crate) fn modality_of_type(kind: &str) -> &'static str {
    match kind {
        "image" => "image",
        "audio" => "audio",
        "video" => "video",
        _ => "document",
    }
}

fn modality_of_mime(mime: &str) -> &'static str {
    modality_of_type(mime.split('/').next().unwrap_or_default())
}
