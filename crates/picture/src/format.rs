//! Which format a file is in, told by its bytes: what its name and sender say has to agree, and does not count.

use message::{Message, message};

/// The formats that are taken. Given are the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

/// What a file is known by: its place, its bytes, and its name. AVIF and HEIC are told apart by their brand.
const OTHERS: &[(usize, &[u8], &str)] = &[
    (0, b"GIF8", "GIF"),
    (8, b"avif", "AVIF"),
    (8, b"avis", "AVIF"),
    (8, b"heic", "HEIC"),
    (8, b"heix", "HEIC"),
    (8, b"mif1", "HEIC"),
    (4, b"ftyp", "MP4"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"\0\0\x01\0", "ICO"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "ZIP"),
];

/// How far into a file readers of PDF and of pages look for one.
const PDF_WITHIN: usize = 1024;
const PAGE_WITHIN: usize = 64 * 1024;
/// The last record of a ZIP archive: its length without the comment.
const ZIP_END: usize = 22;

impl Format {
    /// The format of these bytes; another one is an error that names it.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Message> {
        if bytes.starts_with(b"\xff\xd8\xff") {
            return Ok(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Ok(Self::Png);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Ok(Self::WebP);
        }
        let known = OTHERS.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
        let format = match known {
            Some((.., name)) => *name,
            None if bytes.is_empty() => return Err(message!("is empty; send a JPEG, PNG or WebP picture.")),
            None if contains(bytes, b"<svg", PAGE_WITHIN) => "SVG",
            None if bytes.trim_ascii_start().starts_with(b"<") || bytes.starts_with(b"\xef\xbb\xbf<") => {
                return Err(message!("is not a picture, but a web page or XML; send a JPEG, PNG or WebP picture."));
            }
            None => return Err(message!("is not JPEG, PNG or WebP; save the picture as one of these and send that.")),
        };
        Err(message!("is not JPEG, PNG or WebP, but {format}; save the picture as one of these and send that.", format))
    }

    /// What it is called in HTTP.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// What it is called by people.
    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
        }
    }

    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Png => &["png"],
            Self::WebP => &["webp"],
        }
    }

    /// That a file's name and its declared type, where they say something, say the same as its bytes.
    pub(crate) fn agrees(self, name: &str, declared: Option<&str>) -> Result<(), Message> {
        let short = |says: &str| says.chars().take(50).collect::<String>();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        if let Some(extension) = extension.filter(|extension| !self.extensions().contains(&extension.as_str())) {
            let (format, says) = (self.name(), short(&extension));
            return Err(message!("is {format} by its bytes, but its name says “{says}”; send it as what it is.", format, says));
        }
        let declared = declared.map(|declared| declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        match declared.as_deref() {
            None | Some("" | "application/octet-stream") => Ok(()),
            Some("image/jpg" | "image/pjpeg") if self == Self::Jpeg => Ok(()),
            Some(declared) if declared == self.media_type() => Ok(()),
            Some(declared) => {
                let (format, says) = (self.name(), short(declared));
                Err(message!("is {format} by its bytes, but its media type says “{says}”; send it as what it is.", format, says))
            }
        }
    }
}

/// That readers of other formats would not take a file for theirs, whatever is hidden in what a picture's readers pass over.
pub(crate) fn stands_alone(bytes: &[u8]) -> Result<(), Message> {
    let pages: [&[u8]; 4] = [b"<script", b"<html", b"<!doctype", b"<?php"];
    let format = if contains(bytes, b"%PDF-", PDF_WITHIN) {
        "PDF"
    } else if pages.iter().any(|page| contains(bytes, page, PAGE_WITHIN)) {
        return Err(message!(
            "is a picture and a web page or script in one. Open it on your device, and save the picture by itself."
        ));
    } else if ends_as_zip(bytes) {
        "ZIP"
    } else {
        return Ok(());
    };
    Err(message!("is a picture and {format} in one. Open it on your device, and save the picture by itself.", format))
}

/// Whether a file begins with something, in capitals or not, within so many bytes.
fn contains(bytes: &[u8], what: &[u8], within: usize) -> bool {
    bytes.windows(what.len()).take(within).any(|window| window.eq_ignore_ascii_case(what))
}

/// Whether a ZIP archive ends where the file does: the length of its comment, at the end of its last record, says so.
fn ends_as_zip(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(ZIP_END + usize::from(u16::MAX))..];
    tail.windows(ZIP_END).enumerate().any(|(at, record)| {
        record.starts_with(b"PK\x05\x06")
            && usize::from(u16::from_le_bytes([record[20], record[21]])) == tail.len() - at - ZIP_END
    })
}

/// What is said of a file that has more than the picture.
pub(crate) fn trailing(length: usize) -> Message {
    message!(
        "has {length} bytes after the picture's end: another file, or a film. Open it on your device, and save the picture by itself.",
        length
    )
}

/// What is said of a file that has less.
pub(crate) fn cut_off() -> Message {
    message!("is cut off: the end of the picture is missing. Send it again, or open it on your device and save it again.")
}
