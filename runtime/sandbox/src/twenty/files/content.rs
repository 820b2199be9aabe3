//! The bytes of an upload: which the server refuses by name and content, and which it rewrites.

use std::borrow::Cow;

use crate::twenty::problem::Problem;

/// Endings whose media type the server's detector knows by signature, with that type. A vendor's own types (`docx`, `xls`) and plain text are not among them.
const SIGNED: [(&str, &str); 62] = [
    ("3g2", "video/3gpp2"),
    ("3gp", "video/3gpp"),
    ("3gpp", "video/3gpp"),
    ("aac", "audio/aac"),
    ("ai", "application/postscript"),
    ("amr", "audio/amr"),
    ("apng", "image/apng"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("class", "application/java-vm"),
    ("dib", "image/bmp"),
    ("ear", "application/java-archive"),
    ("eps", "application/postscript"),
    ("epub", "application/epub+zip"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("heics", "image/heic-sequence"),
    ("heif", "image/heif"),
    ("heifs", "image/heif-sequence"),
    ("ics", "text/calendar"),
    ("ifb", "text/calendar"),
    ("jar", "application/java-archive"),
    ("jp2", "image/jp2"),
    ("jpe", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("jxl", "image/jxl"),
    ("kar", "audio/midi"),
    ("m4a", "audio/mp4"),
    ("mid", "audio/midi"),
    ("midi", "audio/midi"),
    ("mov", "video/quicktime"),
    ("mp2", "audio/mpeg"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpe", "video/mpeg"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ps", "application/postscript"),
    ("qt", "video/quicktime"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ttf", "font/ttf"),
    ("vcard", "text/vcard"),
    ("vtt", "text/vtt"),
    ("war", "application/java-archive"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xsl", "application/xml"),
    ("zip", "application/zip"),
];
/// Texts that the detector knows by their first words.
const TEXTS: [&str; 4] = ["<?xml ", "BEGIN:VCALENDAR", "BEGIN:VCARD", "WEBVTT"];

/// Refuses a file without an ending, and one whose ending has a signature that nothing in its bytes shows. Bytes of another known kind pass.
pub(crate) fn check(name: &str, bytes: &[u8]) -> Result<(), Problem> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if ending.is_empty() {
        return Err(failed("Filename must have an extension"));
    }
    if is_detected(bytes) {
        return Ok(());
    }
    let lower = ending.to_lowercase();
    let Some((_, kind)) = SIGNED.iter().find(|(known, _)| *known == lower) else { return Ok(()) };
    Err(failed(&format!(
        "File content does not match its extension. The file has extension '{ending}' (expected mime type: {kind}), but the file content could not be \
         detected as this type. The file may be corrupted, have the wrong extension, or be a security risk."
    )))
}

fn failed(message: &str) -> Problem {
    Problem::new(500, "InternalServerErrorException", message)
}

fn is_detected(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(bytes.get(..64.min(bytes.len())).unwrap_or_default()).into_owned();
    let is_text = TEXTS.iter().any(|text| start.starts_with(text));
    is_text || infer::get(bytes).is_some_and(|kind| kind.matcher_type() != infer::MatcherType::Text)
}

/// The bytes that are kept: a drawing in SVG is taken apart and written anew, without what could run.
pub(crate) fn kept<'b>(name: &str, bytes: &'b [u8]) -> Cow<'b, [u8]> {
    if !name.to_lowercase().ends_with(".svg") {
        return Cow::Borrowed(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut clean = text.trim_start().to_owned();
    while let (Some(start), Some(end)) = (clean.find("<script"), clean.find("</script>")) {
        if end < start {
            break;
        }
        clean.replace_range(start..end + "</script>".len(), "");
    }
    // An element that closes itself gets an end of its own.
    let mut written = String::new();
    let mut rest = clean.as_str();
    while let Some((before, after)) = rest.split_once("/>") {
        let name =
            before.rsplit_once('<').map_or("", |(_, tag)| tag.split([' ', '\n', '\t']).next().unwrap_or_default());
        written.push_str(before.trim_end());
        written.push_str("></");
        written.push_str(name);
        written.push('>');
        rest = after;
    }
    written.push_str(rest);
    Cow::Owned(written.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::{check, kept};

    #[test]
    fn a_drawing_is_written_anew() {
        // 41 bytes became 46 on the server.
        let sent = br#"<svg xmlns="http://www.w3.org/2000/svg"/>"#;
        assert_eq!((sent.len(), kept("a.svg", sent).len()), (41, 46));
        assert_eq!(kept("a.txt", sent).as_ref(), sent);
        assert_eq!(kept("a.SVG", b"<svg><script>x()</script></svg>").as_ref(), b"<svg></svg>");
    }

    #[test]
    fn a_name_without_an_ending_and_bytes_without_the_signature_are_refused() {
        let refused = |name: &str, bytes: &[u8]| check(name, bytes).is_err();
        assert!(
            refused("README", b"x") && refused("scan.", b"x") && refused("scan.pdf", b"") && refused("a.JPEG", b"x")
        );
        assert!(!refused("a.docx", b"") && !refused("a.txt", b"") && !refused(".env", b"x"));
        assert!(!refused("a.pdf", b"%PDF-1.4\n") && !refused("a.pdf", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
    }
}
