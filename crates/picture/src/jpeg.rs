//! The shape of a JPEG file (ITU-T T.81, annex B): markers, segments, and scans. The pixels are the decoder's, which is strict here: what
//! it fills with grey otherwise is an error.

use image::RgbImage;
use image::metadata::Orientation;
use message::Message;
use message::message;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::format::{cut_off, trailing};
use crate::{Picture, broken, encode, target};

/// The most scans of a picture. Each is another pass over all pixels, for some bytes; programs make ten or so.
const MAX_SCANS: usize = 40;

/// More bytes than the decoder reads ahead.
const AHEAD: usize = 16;

/// Makes a picture of an image.
pub(crate) fn decode(image: &[u8]) -> Result<Picture, Message> {
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let options = options.jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(image), options);
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken(()))?;
    let (width, height) = (u32::try_from(width).map_err(broken)?, u32::try_from(height).map_err(broken)?);
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif)).unwrap_or(Orientation::NoTransforms);
    let target = target((width, height), 3 * u64::from(width) * u64::from(height), orientation)?;
    // An end marker that comes too early would be taken for pixels without end, in grey; the end of the file is not. The decoder reads
    // some bytes ahead.
    let pixels = if is_progressive(image) {
        decoder.decode()
    } else {
        let endless = [&image[..image.len() - 2], &[0; AHEAD]].concat();
        JpegDecoder::new_with_options(ZCursor::new(endless.as_slice()), options).decode()
    };
    let pixels = pixels.map_err(broken)?;
    encode(RgbImage::from_raw(width, height, pixels).ok_or_else(|| broken(()))?.into(), target, orientation)
}

/// Whether each scan goes over the whole image, so that one that lacks the end shows all of it, less well. The shape is known to be right.
fn is_progressive(image: &[u8]) -> bool {
    let mut at = 2;
    loop {
        match image.get(at..at + 4) {
            // Padding.
            Some([0xff, 0xff, ..]) => at += 1,
            Some([0xff, 0xc2, ..]) => return true,
            Some([0xff, marker, high, low]) if *marker != 0xda => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => return false,
        }
    }
}

/// The first image of a file, which ends with its end marker. After it may come what cameras put there: more JPEG images (previews, maps
/// of light: CIPA DC-007), the records of one maker, or padding. They go no further.
pub(crate) fn image(bytes: &[u8]) -> Result<&[u8], Message> {
    let end = end(bytes)?;
    let (image, mut rest) = bytes.split_at(end);
    loop {
        // Their first record begins with zeros.
        if are_records_of_samsung(rest) {
            return Ok(image);
        }
        rest = &rest[rest.iter().position(|byte| *byte != 0).unwrap_or(rest.len())..];
        if rest.is_empty() {
            return Ok(image);
        }
        let next = if rest.starts_with(b"\xff\xd8\xff") { self::end(rest).ok() } else { None };
        rest = &rest[next.ok_or_else(|| trailing(bytes.len() - end))?..];
    }
}

/// How long the image is that begins here.
fn end(bytes: &[u8]) -> Result<usize, Message> {
    let byte = |at: usize| bytes.get(at).copied().ok_or_else(cut_off);
    let (mut at, mut scans) = (2, 0);
    loop {
        if byte(at)? != 0xff {
            return Err(broken(()));
        }
        while byte(at)? == 0xff {
            at += 1;
        }
        let marker = byte(at)?;
        at += 1;
        match marker {
            // The end of the image.
            0xd9 => return if scans == 0 { Err(broken(())) } else { Ok(at) },
            // Markers that stand alone.
            0x01 | 0xd0..=0xd7 => {}
            // Stuffing, and another beginning.
            0x00 | 0xd8 => return Err(broken(())),
            _ => {
                let length = usize::from(u16::from_be_bytes([byte(at)?, byte(at + 1)?]));
                at += length.max(2);
                if marker == 0xda {
                    scans += 1;
                    if scans > MAX_SCANS {
                        return Err(message!(
                            "has more than {limit} scans. Open it on your device, and save it again.",
                            limit = MAX_SCANS
                        ));
                    }
                    at = end_of_scan(bytes, at).ok_or_else(cut_off)?;
                }
            }
        }
    }
}

/// Where the marker after a scan is. In a scan, 0xff is followed by a zero, or by a marker to start again from.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match bytes.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

/// Records that Samsung's cameras put after an image: a directory at the end says where each of them is, and that they are all there is.
fn are_records_of_samsung(rest: &[u8]) -> bool {
    let number =
        |at: usize| rest.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes).map(|four| four as usize);
    let found = rest
        .len()
        .checked_sub(8)
        .and_then(|at| (rest.ends_with(b"SEFT")).then(|| number(at).map(|length| (at, length))).flatten());
    let Some((start, count)) = found.and_then(|(at, length)| {
        let start = at.checked_sub(length)?;
        (rest.get(start..start + 4) == Some(b"SEFH")).then_some((start, number(start + 8)?))
    }) else {
        return false;
    };
    let mut covered = 0_usize;
    for record in 0..count.min(64) {
        let entry = start + 12 + 12 * record;
        let (Some(back), Some(size)) = (number(entry + 4), number(entry + 8)) else { return false };
        if back > start || size > back {
            return false;
        }
        covered = covered.saturating_add(size);
    }
    covered == start
}

#[cfg(test)]
mod tests {
    use super::image;

    /// The least that has the shape of an image, with a scan.
    const SHAPE: &[u8] = b"\xff\xd8\xff\xfe\x00\x04\xff\xd9\xff\xda\x00\x02ab\xff\x00c\xff\xd0d\xff\xff\xd9";

    #[test]
    fn an_image_ends_with_its_end_marker() {
        assert_eq!(image(SHAPE).unwrap(), SHAPE);
        for length in 3..SHAPE.len() {
            assert!(image(&SHAPE[..length]).unwrap_err().to_string().contains("cut off"), "{length}");
        }
        let mut long = SHAPE[..8].to_vec();
        long.extend(b"\xff\xda\x00\x02a".repeat(41));
        long.extend(b"\xff\xd9");
        assert!(image(&long).unwrap_err().to_string().contains("scans"));
    }

    #[test]
    fn what_cameras_put_after_it_is_passed_over() {
        let directory = b"SEFH\x6a\0\0\0\x01\0\0\0\0\0\x01\x0a\x0e\0\0\0\x0e\0\0\0\x18\0\0\0SEFT".as_slice();
        let samsung = [b"\0\0\x01\x0a\x02\0\0\0ab1234".as_slice(), directory].concat();
        for rest in [b"\0\0\0".as_slice(), SHAPE, &[b"\0\0", SHAPE, b"\0", SHAPE, &samsung].concat(), &samsung] {
            assert_eq!(image(&[SHAPE, rest].concat()).unwrap(), SHAPE);
        }
        let more = [b"PK", samsung.as_slice()].concat();
        for rest in [b"x".as_slice(), b"PK\x03\x04", b"\0<html>", &SHAPE[..9], &more, b"SEFT", b"\xff\xff\xff\xffSEFT"] {
            assert!(image(&[SHAPE, rest].concat()).unwrap_err().to_string().contains("after the picture's end"), "{rest:?}");
        }
    }
}
