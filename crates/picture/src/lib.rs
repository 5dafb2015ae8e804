//! Makes a small, upright picture without metadata of a file that anybody may have made: JPEG, PNG or WebP, told by its bytes.
//!
//! Everything that is given out is encoded anew from the pixels, so nothing else of a file gets through. What a file claims is looked at
//! before memory is taken for it. A crate of its own, so that builds for development optimise it: decoders are many times slower without.

mod format;
mod jpeg;
mod png;
mod webp;

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageResult, Limits, RgbaImage, imageops};
use message::{Message, message};

pub use format::Format;

/// The most bytes of a file.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;
/// The box that pictures are made to fit into, lying or standing.
pub const MAX_WIDTH: u32 = 1920;
/// The same from top to bottom.
pub const MAX_HEIGHT: u32 = 1080;
/// The fewest pixels of each side.
pub const MIN_SIDE: u32 = 100;

/// The most pixels that are decoded: at 5 MiB, more than cameras put into a file.
const MAX_PIXELS: u64 = 40_000_000;
/// The most bytes that the pixels may come to when they are decoded.
const MAX_DECODED: u64 = 4 * MAX_PIXELS;
/// Good to look at, small enough to load; of 100.
const JPEG_QUALITY: u8 = 85;

/// A picture as it is kept and given.
#[derive(Debug)]
pub struct Picture {
    /// The file.
    pub bytes: Vec<u8>,
    /// JPEG, or PNG where something is transparent.
    pub format: Format,
    /// From left to right, in pixels.
    pub width: u32,
    /// From top to bottom, in pixels.
    pub height: u32,
}

/// Makes a picture of a file with this name and of the media type that was declared for it, or says what is wrong with the file. What is
/// animated comes to its first picture; colours are taken for sRGB.
pub fn make(name: &str, declared: Option<&str>, bytes: &[u8]) -> Result<Picture, Message> {
    if bytes.len() > MAX_BYTES {
        return Err(message!(
            "has {length} bytes; at most {limit} (5 MiB) are taken: make the picture smaller.",
            length = bytes.len(),
            limit = MAX_BYTES
        ));
    }
    let format = Format::of(bytes)?;
    format.agrees(name, declared)?;
    format::stands_alone(bytes)?;
    match format {
        Format::Jpeg => jpeg::decode(jpeg::image(bytes)?),
        Format::Png => {
            let limits = limits();
            decode(PngDecoder::with_limits(Cursor::new(png::image(bytes)?), limits))
        }
        Format::WebP => decode(WebPDecoder::new(Cursor::new(webp::image(bytes)?))),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED);
    limits
}

/// What decoders say is for who writes files, not for who sends one.
fn broken<E>(_: E) -> Message {
    message!("is damaged: its picture can't be read to its end. Open it on your device, and save it again.")
}

fn decode(decoder: ImageResult<impl ImageDecoder>) -> Result<Picture, Message> {
    let mut decoder = decoder.map_err(broken)?;
    let orientation = decoder.orientation().map_err(broken)?;
    let target = target(decoder.dimensions(), decoder.total_bytes(), orientation)?;
    decoder.set_limits(limits()).map_err(broken)?;
    encode(DynamicImage::from_decoder(decoder).map_err(broken)?, target, orientation)
}

/// What a picture becomes that claims these sides, in pixels, and to come to so many bytes, before it is turned upright; or why it is not
/// decoded.
fn target((width, height): (u32, u32), bytes: u64, orientation: Orientation) -> Result<(u32, u32), Message> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS || bytes > MAX_DECODED {
        let megapixels = MAX_PIXELS / 1_000_000;
        return Err(message!(
            "comes to {width} × {height} pixels, {bytes} bytes; at most {megapixels} megapixels, {limit} bytes, are decoded: make \
             the picture smaller.",
            width,
            height,
            bytes,
            megapixels,
            limit = MAX_DECODED
        ));
    }
    if width < MIN_SIDE || height < MIN_SIDE {
        return Err(message!(
            "has {width} × {height} pixels; at least {limit} × {limit} are needed: choose a larger picture.",
            width,
            height,
            limit = MIN_SIDE
        ));
    }
    let lies = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let target = fit((width, height), if lies { (MAX_HEIGHT, MAX_WIDTH) } else { (MAX_WIDTH, MAX_HEIGHT) });
    if target.0 < MIN_SIDE || target.1 < MIN_SIDE {
        return Err(message!(
            "has {width} × {height} pixels: within {most_width} × {most_height}, less than {limit} would be left of one side. Cut it to \
             a shape that is less long.",
            width,
            height,
            most_width = MAX_WIDTH,
            most_height = MAX_HEIGHT,
            limit = MIN_SIDE
        ));
    }
    Ok(target)
}

/// The size that fits into the box and keeps the shape; never a larger one.
fn fit((width, height): (u32, u32), (most_width, most_height): (u32, u32)) -> (u32, u32) {
    let (wide, high) = (u64::from(width), u64::from(height));
    // How far each side is beyond its own, compared without fractions.
    let is_wider = wide * u64::from(most_height) >= high * u64::from(most_width);
    let scaled = |side: u64, most: u32, of: u64| u32::try_from((side * u64::from(most) + of / 2) / of).unwrap_or(most);
    if width <= most_width && height <= most_height {
        (width, height)
    } else if is_wider {
        (most_width, scaled(high, most_width, wide))
    } else {
        (scaled(wide, most_height, high), most_height)
    }
}

fn encode(image: DynamicImage, target: (u32, u32), orientation: Orientation) -> Result<Picture, Message> {
    let mut bytes = Vec::new();
    let image = if image.color().has_alpha() {
        let mut image = image.into_rgba8();
        if image.pixels().all(|pixel| pixel.0[3] == 255) {
            shrink(DynamicImage::ImageRgba8(image), target)
        } else {
            // What is transparent has a colour too, that must not run into its neighbours.
            premultiply(&mut image);
            let mut image = shrink(DynamicImage::ImageRgba8(image), target).into_rgba8();
            divide(&mut image);
            let mut image = DynamicImage::ImageRgba8(image);
            image.apply_orientation(orientation);
            let (width, height) = (image.width(), image.height());
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
                .write_image(image.as_bytes(), width, height, ExtendedColorType::Rgba8)
                .map_err(broken)?;
            return Ok(Picture { bytes, format: Format::Png, width, height });
        }
    } else {
        shrink(image, target)
    };
    let mut image = DynamicImage::ImageRgb8(image.into_rgb8());
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .write_image(image.as_bytes(), width, height, ExtendedColorType::Rgb8)
        .map_err(broken)?;
    Ok(Picture { bytes, format: Format::Jpeg, width, height })
}

/// First by averages of whole pixels, to twice the size, which takes no further memory; then well.
fn shrink(image: DynamicImage, (width, height): (u32, u32)) -> DynamicImage {
    let image = if image.width() > 2 * width { image.thumbnail_exact(2 * width, 2 * height) } else { image };
    if image.width() == width && image.height() == height {
        return image;
    }
    image.resize_exact(width, height, imageops::FilterType::CatmullRom)
}

/// `colour * alpha / 255`, rounded; fits into a byte.
#[expect(clippy::cast_possible_truncation, reason = "the product of two bytes over 255 is a byte")]
fn premultiply(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
        let [.., alpha] = pixel.0;
        for colour in &mut pixel.0[..3] {
            *colour = ((u32::from(*colour) * u32::from(alpha) + 127) / 255) as u8;
        }
    }
}

fn divide(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
        let [.., alpha] = pixel.0;
        for colour in &mut pixel.0[..3] {
            let divided = (u32::from(*colour) * 255 + u32::from(alpha) / 2).checked_div(u32::from(alpha)).unwrap_or(0);
            *colour = u8::try_from(divided).unwrap_or(u8::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

    use super::{Cursor, Format, fit, make};

    /// Red above, blue below, so much of it transparent.
    fn file(format: ImageFormat, (width, height): (u32, u32), alpha: u8) -> Vec<u8> {
        let image = RgbaImage::from_fn(width, height, |x, y| {
            let noise = u8::try_from((x / 50 + y / 50) % 32).unwrap();
            if y < height / 2 { Rgba([255 - noise, 0, 0, alpha]) } else { Rgba([0, noise, 255, 255]) }
        });
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::ImageRgba8(image);
        let image = if format == ImageFormat::Jpeg { image.into_rgb8().into() } else { image };
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn pictures_fit_into_the_box_and_keep_their_shape() {
        for (size, fitted) in [
            ((1920, 1080), (1920, 1080)),
            ((100, 100), (100, 100)),
            ((3840, 2160), (1920, 1080)),
            ((4000, 3000), (1440, 1080)),
            ((3000, 4000), (810, 1080)),
            ((10_000, 100), (1920, 19)),
            ((1921, 1080), (1920, 1079)),
            ((65_535, 65_535), (1080, 1080)),
        ] {
            assert_eq!(fit(size, (1920, 1080)), fitted, "{size:?}");
        }
    }

    #[test]
    fn what_is_opaque_becomes_jpeg_and_the_rest_png() {
        for (format, alpha, becomes) in [
            (ImageFormat::Jpeg, 255, Format::Jpeg),
            (ImageFormat::Png, 255, Format::Jpeg),
            (ImageFormat::WebP, 255, Format::Jpeg),
            (ImageFormat::Png, 100, Format::Png),
            (ImageFormat::WebP, 100, Format::Png),
        ] {
            let picture = make("", None, &file(format, (4000, 3000), alpha)).unwrap();
            assert_eq!((picture.format, picture.width, picture.height), (becomes, 1440, 1080), "{format:?} {alpha}");
            let pixels = image::load_from_memory(&picture.bytes).unwrap().into_rgba8();
            let [red, _, blue, seen] = pixels.get_pixel(720, 200).0;
            assert!(red > 220 && blue < 20 && seen == alpha, "{format:?} {alpha}: {:?}", pixels.get_pixel(720, 200));
            assert!(pixels.get_pixel(720, 900).0[2] > 220);
        }
    }

    /// What decoders would fill with grey.
    #[test]
    fn a_jpeg_that_lacks_pixels_is_refused() {
        let whole = file(ImageFormat::Jpeg, (400, 300), 255);
        make("", None, &whole).unwrap();
        for part in [2, 4, 5] {
            let half = [&whole[..whole.len() * (part - 1) / part], b"\xff\xd9"].concat();
            assert!(make("", None, &half).is_err_and(|fault| fault.to_string().contains("damaged")), "{part}");
        }
    }

    #[test]
    fn names_and_types_say_what_the_bytes_are() {
        let jpeg = file(ImageFormat::Jpeg, (100, 100), 255);
        for (name, declared, good) in [
            ("", None, true),
            ("me", Some(""), true),
            ("a.b/me.JPG", Some("image/jpeg; x=y"), true),
            ("me.jpeg", Some("application/octet-stream"), true),
            ("me.png", None, false),
            ("me.jpg.html", None, false),
            ("me.jpg", Some("image/png"), false),
            ("me.jpg", Some("text/html"), false),
        ] {
            assert_eq!(make(name, declared, &jpeg).is_ok(), good, "{name} {declared:?}");
        }
    }

    /// Damaged in thousands of ways, by numbers that are the same each time, every file is answered.
    #[test]
    fn no_bytes_stop_it() {
        let mut number = 1_u64;
        let mut next = |below: usize| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(number >> 33).unwrap() % below
        };
        let formats = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];
        let files: Vec<_> = formats.iter().flat_map(|format| [255, 100].map(|alpha| file(*format, (120, 110), alpha))).collect();
        let mut refused = 0;
        for round in 0..3000 {
            let mut bytes = files[round % files.len()].clone();
            for _ in 0..=next(4) {
                // The beginning is where sizes and tables are.
                let at = if next(2) == 0 { next(bytes.len().min(300)) } else { next(bytes.len()) };
                bytes[at] = u8::try_from(next(256)).unwrap();
            }
            refused += usize::from(make("", None, &bytes).is_err());
        }
        assert!(refused > 500, "{refused}");
    }
}
