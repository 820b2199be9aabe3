//! Files that Twenty refuses, by their name and their first bytes. It is final: the same file is refused each time.

use migr_load::FileFacts;
use migr_plan::Destination;

/// Ending that is put behind the name of a file that is sent although the destination would refuse it under its own.
const PLAIN: &str = ".bin";
/// The refusal of a name.
pub(super) const NO_ENDING: &str = "Filename must have an extension";
/// The refusal of bytes.
pub(super) const NO_KIND: &str = "File content does not match its extension";

/// Endings whose bytes must begin as some known kind does. Text, office documents and what the server does not know are not among them.
const SIGNED: [&str; 94] = [
    "3g2", "3gp", "3gpp", "3mf", "aac", "adts", "ai", "amr", "apng", "avif", "bmp", "class", "dib", "ear", "eps",
    "epub", "gif", "glb", "gz", "heic", "heics", "heif", "heifs", "ics", "ifb", "jar", "jls", "jp2", "jpe", "jpeg",
    "jpf", "jpg", "jpg2", "jpgm", "jpm", "jpx", "jxl", "kar", "ktx", "m1v", "m2a", "m2t", "m2ts", "m2v", "m3a", "m4a",
    "mid", "midi", "mov", "mp2", "mp2a", "mp3", "mp4", "mp4a", "mp4v", "mpe", "mpeg", "mpg", "mpg4", "mpga", "mts",
    "mxf", "oga", "ogg", "ogv", "ogx", "opus", "otf", "pdf", "pgp", "png", "ps", "qt", "rmi", "rng", "spx", "stl",
    "tif", "tiff", "ttc", "ttf", "vcard", "vtt", "war", "wasm", "wav", "webm", "webp", "woff", "woff2", "xsd", "xsl",
    "xslt", "zip",
];
/// Texts that are known by their first words.
const TEXTS: [&[u8]; 4] = [b"<?xml ", b"BEGIN:VCALENDAR", b"BEGIN:VCARD", b"WEBVTT"];

/// Reason for which Twenty refuses a file of this name that starts with these bytes ([`crate::FILE_START`] of them are enough); none where it takes it. Version 1.x takes all.
pub(super) fn refusal(version: Option<&str>, name: &str, start: &[u8]) -> Option<String> {
    if version.is_some_and(|version| version.starts_with('1')) {
        return None;
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if ending.is_empty() {
        return Some("its name has no ending, and the destination takes no such file".to_owned());
    }
    let is_signed = SIGNED.contains(&ending.to_lowercase().as_str());
    (is_signed && !is_known(start)).then(|| {
        let what = if start.is_empty() { "it is empty" } else { "its bytes are of no kind that the destination knows" };
        format!("{what}, and the destination takes none such under a name in `.{ending}`")
    })
}

/// True where Twenty keeps other bytes than those of a file of this name: it takes drawings in SVG apart and writes them anew. Version 1.x is not known to.
fn is_rewritten(version: Option<&str>, name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ending.eq_ignore_ascii_case("svg") && !version.is_some_and(|version| version.starts_with('1'))
}

/// The name under which such a file is taken.
pub(super) fn plain_name(name: &str) -> String {
    format!("{}{PLAIN}", name.trim_end_matches('.'))
}

/// The rules above, as they are registered.
#[derive(Debug)]
pub(super) struct Files;

impl FileFacts for Files {
    fn refusal(
        &self,
        destination: &Destination,
        version: Option<&str>,
        _: Option<&str>,
        name: &str,
        start: &[u8],
    ) -> Option<String> {
        refusal(known(destination, version), name, start)
    }

    fn is_rewritten(&self, destination: &Destination, version: Option<&str>, name: &str) -> bool {
        is_rewritten(known(destination, version), name)
    }

    fn plain_name(&self, name: &str) -> Option<String> {
        Some(plain_name(name))
    }
}

/// The version, as far as it is known: by the server, else by the catalog's name.
fn known<'v>(destination: &Destination, version: Option<&'v str>) -> Option<&'v str> {
    version.or_else(|| destination.system.ends_with("_1").then_some("1"))
}

fn is_known(start: &[u8]) -> bool {
    let is_text = TEXTS.iter().any(|text| start.starts_with(text));
    is_text || infer::get(start).is_some_and(|kind| kind.matcher_type() != infer::MatcherType::Text)
}

#[cfg(test)]
mod tests {
    use super::{plain_name, refusal};

    #[test]
    fn a_file_is_refused_by_its_name_and_by_bytes_that_are_of_no_known_kind() {
        let refused = |name: &str, start: &[u8]| refusal(None, name, start).is_some();
        for (name, start) in [
            ("README", b"x".as_slice()),
            ("scan.", b"%PDF-1.4"),
            ("scan.pdf", b""),
            ("scan.PDF", b"<html>sign in</html>"),
            ("photo.jpeg", b"x"),
            ("mail.vcard", b"x"),
        ] {
            assert!(refused(name, start), "{name}");
            assert!(!refused(&plain_name(name), start), "{name}");
            assert_eq!(refusal(Some("1.x"), name, start), None, "{name}");
        }
        for (name, start) in [
            ("scan.pdf", b"%PDF-1.4".as_slice()),
            ("scan.pdf", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            ("a.docx", b"x"),
            ("a.txt", b""),
            (".env", b"x"),
            ("a.b.c", b""),
        ] {
            assert!(!refused(name, start), "{name}");
        }
    }

    #[test]
    fn drawings_alone_are_written_anew_and_by_the_newer_version_alone() {
        for (name, is_rewritten) in
            [("a.svg", true), ("A.SVG", true), ("a.svg.bin", false), ("svg", false), ("", false)]
        {
            assert_eq!(super::is_rewritten(None, name), is_rewritten, "{name}");
            assert!(!super::is_rewritten(Some("1.x"), name), "{name}");
        }
    }

    #[test]
    fn a_plain_name_keeps_what_the_name_says() {
        assert_eq!(["README", "scan.", "scan.pdf"].map(plain_name), ["README.bin", "scan.bin", "scan.pdf.bin"]);
    }
}
