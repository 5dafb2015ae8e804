//! The shape of a WebP file (RFC 9649): one RIFF chunk, as long as it says. The pixels are the decoder's.

use message::Message;

use crate::format::{cut_off, trailing};

/// Name and length of a chunk.
const HEAD: usize = 8;

/// The file itself, once it is found to be as long as its chunks.
pub(crate) fn image(bytes: &[u8]) -> Result<&[u8], Message> {
    let end = end(bytes).filter(|end| *end <= bytes.len()).ok_or_else(cut_off)?;
    let (image, rest) = bytes.split_at(end);
    if rest.iter().any(|byte| *byte != 0) {
        return Err(trailing(rest.len()));
    }
    let mut at = HEAD + 4;
    while at < end {
        at += self::end(&image[at..]).ok_or_else(cut_off)?;
    }
    if at == end { Ok(image) } else { Err(cut_off()) }
}

/// How long the chunk is that begins here, with the byte that makes it even.
fn end(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?) as usize;
    length.checked_add(HEAD + length % 2)
}

#[cfg(test)]
mod tests {
    use super::image;

    #[test]
    fn a_file_is_as_long_as_its_chunks() {
        let file = b"RIFF\x16\0\0\0WEBPVP8L\x05\0\0\0abcde\0";
        // 4 for the name, 8 and 6 for the chunk.
        let file = [&file[..4], &[18, 0, 0, 0], &file[8..]].concat();
        assert_eq!(image(&file).unwrap(), file);
        for length in 8..file.len() {
            assert!(image(&file[..length]).unwrap_err().to_string().contains("cut off"), "{length}");
        }
        assert!(image(&[file.as_slice(), b"PK"].concat()).unwrap_err().to_string().contains("after the picture's end"));
        let mut longer = file;
        longer[16] = 9;
        assert!(image(&longer).unwrap_err().to_string().contains("cut off"));
    }
}
