//! The shape of a PNG file (ISO/IEC 15948): chunks. The pixels, and the checksums, are the decoder's.

use message::Message;

use crate::format::{cut_off, trailing};

const SIGNATURE: usize = 8;
/// Length, type and checksum of a chunk.
const AROUND: usize = 12;

/// What the decoder gets: the chunks that make the picture, and the one that says how it was turned. Others may come to a thousand times
/// their size when they are read, and are not needed; so a picture that is animated stands still.
pub(crate) fn image(bytes: &[u8]) -> Result<Vec<u8>, Message> {
    let (signature, mut rest) = bytes.split_at_checked(SIGNATURE).ok_or_else(cut_off)?;
    let mut image = Vec::with_capacity(bytes.len());
    image.extend_from_slice(signature);
    loop {
        let length = rest.first_chunk().map(|length| u32::from_be_bytes(*length) as usize).ok_or_else(cut_off)?;
        let (chunk, after) = rest.split_at_checked(length.saturating_add(AROUND)).ok_or_else(cut_off)?;
        rest = after;
        let name = &chunk[4..8];
        match name {
            b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" | b"eXIf" | b"IEND" => image.extend_from_slice(chunk),
            // In small letters: may be passed over.
            _ if name[0].is_ascii_lowercase() => {}
            _ => return Err(crate::broken(())),
        }
        if name == b"IEND" {
            return if rest.iter().all(|byte| *byte == 0) { Ok(image) } else { Err(trailing(rest.len())) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::image;

    fn chunk(name: &str, data: &[u8]) -> Vec<u8> {
        [&u32::try_from(data.len()).unwrap().to_be_bytes(), name.as_bytes(), data, b"sum!"].concat()
    }

    #[test]
    fn only_what_makes_the_picture_stays() {
        let parts = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk("IHDR", b"1"), chunk("IDAT", b"23"), chunk("IEND", b"")];
        let plain = parts.concat();
        assert_eq!(image(&plain).unwrap(), plain);
        let [signature, head, data, end] = &parts;
        let more = [signature.clone(), head.clone(), chunk("iCCP", b"x"), data.clone(), chunk("zTXt", b"x"), end.clone()];
        assert_eq!(image(&more.concat()).unwrap(), plain);
        assert_eq!(image(&[plain.as_slice(), b"\0\0"].concat()).unwrap(), plain);
        assert!(image(&[plain.as_slice(), b"PK"].concat()).unwrap_err().to_string().contains("after the picture's end"));
        for length in 0..plain.len() {
            assert!(image(&plain[..length]).unwrap_err().to_string().contains("cut off"), "{length}");
        }
        assert!(image(&[signature, head, &chunk("WHAT", b"x"), end].map(Vec::as_slice).concat()).is_err());
    }
}
