//! Pictures: what is taken, what is given, and to whom. exiftool, which shares no code with the service, says what a file tells of
//! somebody.

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::client::form;
use crate::harness::{Answer, Client, Engine, Home, Server, on_both_engines, on_both_engines_and_two_instances};

on_both_engines!(
    nothing_of_a_file_but_its_pixels_comes_out,
    pictures_come_as_jpeg_png_and_webp,
    what_is_not_one_good_picture_is_refused,
    bombs_are_refused_in_little_memory_and_time,
    forms_are_read_as_strictly_as_json,
    pictures_are_replaced_removed_and_bounded,
    a_file_is_no_json,
    screens_read_no_bytes_of_pictures
);
mod links {
    use super::{links_lead_to_the_picture_they_were_made_for, on_both_engines_and_two_instances};

    on_both_engines_and_two_instances!(links_lead_to_the_picture_they_were_made_for);
}

const UPLOAD: &str = "mutation ($file: Upload!) { uploadPicture(file: $file) { id type url width height dateUpdated } }";

/// Red on the upper left, green on the upper right, blue on the lower left, and what is seen through it.
fn pixels((width, height): (u32, u32), alpha: u8) -> DynamicImage {
    let image = RgbaImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgba([255, 0, 0, 255]),
        (false, true) => Rgba([0, 255, 0, 255]),
        (true, false) => Rgba([0, 0, 255, 255]),
        (false, false) => Rgba([255, 255, 255, alpha]),
    });
    DynamicImage::ImageRgba8(image)
}

/// A picture as a file.
pub fn file(format: ImageFormat, size: (u32, u32)) -> Vec<u8> {
    encoded(format, &pixels(size, 255).into_rgb8().into())
}

fn encoded(format: ImageFormat, image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

const PNG: (&str, &str) = ("me.png", "image/png");
const JPEG: (&str, &str) = ("me.jpg", "image/jpeg");
const WEBP: (&str, &str) = ("me.webp", "image/webp");

/// Sends a picture that is good.
pub async fn upload_any(client: &Client) -> Answer {
    upload(client, PNG, &file(ImageFormat::Png, (120, 120))).await
}

async fn upload(client: &Client, (name, media_type): (&str, &str), bytes: &[u8]) -> Answer {
    client.send_file(UPLOAD, (name, media_type, bytes)).await
}

async fn uploaded(client: &Client, kind: (&str, &str), bytes: &[u8]) -> Value {
    upload(client, kind, bytes).await.data()["uploadPicture"].clone()
}

async fn download(client: &Client, picture: &Value) -> Vec<u8> {
    let answer = client.follow(Method::GET, picture["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap().to_vec()
}

/// Refused for a fault of the file, in words that hold this.
fn assert_refused(answer: &Answer, why: &str, what: &str) {
    assert_eq!((answer.codes(), answer.pointers()), (vec!["INVALID_INPUT"], vec!["/file"]), "{what}: {}", answer.text);
    assert!(answer.text.contains(why), "{what}: {}", answer.text);
}

/// What exiftool does with a file: adds what `arguments` say, or, with `-json`, tells what it finds.
fn exiftool(home: &Home, name: &str, bytes: &[u8], arguments: &[&str]) -> (PathBuf, Vec<u8>) {
    let path = home.folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    let tool = Command::new("exiftool").args(arguments).arg(&path).output().expect("exiftool, which tests/run installs");
    assert!(tool.status.success(), "{tool:?}");
    (path, tool.stdout)
}

fn tags(home: &Home, name: &str, bytes: &[u8]) -> serde_json::Map<String, Value> {
    let (_, told) = exiftool(home, name, bytes, &["-json", "-G", "-a", "-u"]);
    serde_json::from_slice::<Value>(&told).unwrap()[0].as_object().unwrap().clone()
}

async fn nothing_of_a_file_but_its_pixels_comes_out(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for (format, kind) in [(ImageFormat::Jpeg, JPEG), (ImageFormat::Png, PNG), (ImageFormat::WebP, WEBP)] {
        let adds =
            ["-overwrite_original", "-GPSLatitude=48.8584", "-GPSLatitudeRef=N", "-GPSLongitude=2.2945", "-GPSLongitudeRef=E"];
        let adds = [adds.as_slice(), &["-Orientation#=6", "-Make=Camera", "-Artist=Somebody", "-XMP:Creator=Somebody"]].concat();
        let (path, _) = exiftool(&server.home, kind.0, &file(format, (400, 300)), &adds);
        let sent = std::fs::read(path).unwrap();
        let known = tags(&server.home, kind.0, &sent);
        assert!(known.contains_key("EXIF:GPSLatitude") && known.contains_key("XMP:Creator"), "{format:?}: {known:?}");

        let picture = uploaded(&somebody, kind, &sent).await;
        assert_eq!((&picture["width"], &picture["height"]), (&json!(300), &json!(400)), "turned: {format:?}");
        let given = download(&somebody, &picture).await;
        let told = tags(&server.home, "given.jpg", &given);
        let groups = ["SourceFile", "ExifTool:", "File:", "Composite:ImageSize", "Composite:Megapixels", "JFIF:"];
        let other: Vec<_> = told.keys().filter(|tag| !groups.iter().any(|group| tag.starts_with(group))).collect();
        assert!(other.is_empty(), "{format:?}: {other:?}");
        assert_eq!(told["File:FileType"], "JPEG");
        assert!(!given.windows(8).any(|window| window == b"Somebody" || window.starts_with(b"Camera")), "{format:?}");
        // A quarter turn to the right: what was lower left is upper left.
        let seen = image::load_from_memory(&given).unwrap().into_rgb8();
        let near =
            |x, y, colour: [u8; 3]| seen.get_pixel(x, y).0.iter().zip(colour).all(|(seen, colour)| seen.abs_diff(colour) < 30);
        assert!(near(50, 50, [0, 0, 255]) && near(250, 50, [255, 0, 0]) && near(250, 350, [0, 255, 0]), "{format:?}");
    }
}

async fn pictures_come_as_jpeg_png_and_webp(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for (format, kind) in [(ImageFormat::Jpeg, JPEG), (ImageFormat::Png, PNG), (ImageFormat::WebP, WEBP)] {
        for (size, fitted) in
            [((100, 100), (100, 100)), ((2400, 1350), (1920, 1080)), ((1000, 2000), (540, 1080)), ((3000, 200), (1920, 128))]
        {
            let picture = uploaded(&somebody, kind, &file(format, size)).await;
            assert_eq!((&picture["width"], &picture["height"]), (&json!(fitted.0), &json!(fitted.1)), "{format:?} {size:?}");
            let given = download(&somebody, &picture).await;
            assert_eq!(image::guess_format(&given).unwrap(), ImageFormat::Jpeg);
            let seen = image::load_from_memory(&given).unwrap();
            assert_eq!((seen.width(), seen.height()), fitted);
        }
    }
    for (format, kind) in [(ImageFormat::Png, PNG), (ImageFormat::WebP, WEBP)] {
        let picture = uploaded(&somebody, kind, &encoded(format, &pixels((400, 300), 90))).await;
        let given = download(&somebody, &picture).await;
        assert_eq!(image::guess_format(&given).unwrap(), ImageFormat::Png, "{format:?}");
        let seen = image::load_from_memory(&given).unwrap().into_rgba8();
        assert_eq!((seen.get_pixel(10, 10).0, seen.get_pixel(390, 290).0), ([255, 0, 0, 255], [255, 255, 255, 90]));
    }
    // No name, no type, other colours.
    let grey = encoded(ImageFormat::Png, &pixels((120, 120), 255).into_luma16().into());
    uploaded(&somebody, ("", "application/octet-stream"), &grey).await;
}

async fn what_is_not_one_good_picture_is_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let (jpeg, png, webp) =
        (file(ImageFormat::Jpeg, (120, 120)), file(ImageFormat::Png, (120, 120)), file(ImageFormat::WebP, (120, 120)));
    let before = uploaded(&somebody, JPEG, &jpeg).await;
    let svg = br#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><script>alert(1)</script></svg>"#;
    let with = |bytes: &[u8], rest: &[u8]| [bytes, rest].concat();
    let zip = b"PK\x03\x04rest of an archive PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".as_slice();
    let page = with(b"\xff\xd8\xff\xfe\0\x1a<script>alert(1)</script>"[..].as_ref(), &jpeg[2..]);
    // An archive in a chunk that is passed over, whose comment is the end of the picture.
    let hidden = {
        let mut archive = zip.to_vec();
        *archive.last_mut().unwrap() = 0;
        let at = archive.len() - 2;
        archive[at] = 16;
        let (start, end) = png.split_at(png.len() - 12);
        [start, &chunk("teXt", &archive), end].concat()
    };
    for (what, kind, bytes, why) in [
        ("99 high", PNG, file(ImageFormat::Png, (120, 99)), "at least 100 × 100"),
        ("99 wide", JPEG, file(ImageFormat::Jpeg, (99, 120)), "at least 100 × 100"),
        ("a strip", PNG, file(ImageFormat::Png, (4000, 150)), "Cut it to a shape"),
        ("a byte too many", JPEG, with(&jpeg, &vec![0; 5 * 1024 * 1024 + 1 - jpeg.len()]), "5 MiB"),
        ("empty", JPEG, Vec::new(), "is empty"),
        ("SVG", ("me.svg", "image/svg+xml"), svg.to_vec(), "but SVG"),
        ("SVG that says JPEG", JPEG, svg.to_vec(), "but SVG"),
        ("GIF", ("me.gif", "image/gif"), b"GIF89a\x78\0\x78\0".to_vec(), "but GIF"),
        ("AVIF", ("me.avif", "image/avif"), b"\0\0\0\x1cftypavif\0\0\0\0".to_vec(), "but AVIF"),
        ("PDF", ("me.pdf", "application/pdf"), b"%PDF-1.7".to_vec(), "but PDF"),
        ("a page", ("me.html", "text/html"), b"<!DOCTYPE html><p>me".to_vec(), "a web page"),
        ("JPEG cut off", JPEG, jpeg[..jpeg.len() / 2].to_vec(), "cut off"),
        ("JPEG without its end", JPEG, jpeg[..jpeg.len() - 2].to_vec(), "cut off"),
        ("PNG cut off", PNG, png[..png.len() / 2].to_vec(), "cut off"),
        ("PNG without its end", PNG, png[..png.len() - 12].to_vec(), "cut off"),
        ("WebP cut off", WEBP, webp[..webp.len() / 2].to_vec(), "cut off"),
        ("JPEG by another name", ("me.png", "image/jpeg"), jpeg.clone(), "its name says"),
        ("JPEG by a page's name", ("me.jpg.html", ""), jpeg.clone(), "its name says"),
        ("PNG of another type", ("me", "image/webp"), png.clone(), "its media type says"),
        ("WebP of no picture's type", ("me", "text/html"), webp.clone(), "its media type says"),
        ("JPEG and ZIP", JPEG, with(&jpeg, zip), "in one"),
        ("PNG and ZIP", PNG, with(&png, zip), "in one"),
        ("WebP and ZIP", WEBP, with(&webp, zip), "in one"),
        ("ZIP inside of PNG", PNG, hidden, "in one"),
        ("JPEG and a page", JPEG, with(&jpeg, b"<p>me"), "after the picture's end"),
        ("a page inside of JPEG", JPEG, page, "a web page or script in one"),
    ] {
        // Each person may send thirty.
        let answer = upload(&somebody, kind, &bytes).await;
        assert_refused(&answer, why, what);
    }
    let after = somebody.data("{ me { picture { id type url width height dateUpdated } } }").await["me"]["picture"].clone();
    assert_eq!(after, before, "nothing has changed");
}

/// A chunk of a PNG file, with its checksum.
fn chunk(name: &str, data: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(name.as_bytes());
    sum.update(data);
    [&u32::try_from(data.len()).unwrap().to_be_bytes(), name.as_bytes(), data, &sum.sum().to_be_bytes()].concat()
}

/// So many zeros, compressed.
fn zeros(count: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..count.div_ceil(zeros.len()) {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

/// A PNG file of 8 bits a channel, red, green and blue, with further chunks before its pixels.
fn png((width, height): (u32, u32), further: &[u8], pixels: &[u8]) -> Vec<u8> {
    let head = [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk("IHDR", &head), further, &chunk("IDAT", pixels), &chunk("IEND", b"")].concat()
}

/// What it is, its name and type, its bytes, and why it is refused; nothing where it is a good picture otherwise.
type Bomb = (&'static str, (&'static str, &'static str), Vec<u8>, Option<&'static str>);

/// Small files that would become large.
fn bombs() -> Vec<Bomb> {
    let gigabyte = zeros(1 << 30);
    let mut jpeg = file(ImageFormat::Jpeg, (120, 120));
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xc3, 0x50, 0xc3, 0x50]);
    let mut webp = encoded(ImageFormat::WebP, &pixels((120, 120), 255));
    let size = webp.windows(4).position(|four| four == b"VP8L").unwrap() + 9;
    webp[size..size + 4].copy_from_slice(&[0xfe, 0xbf, 0xff, 0x0f]);
    vec![
        ("PNG that claims 50,000 × 50,000", PNG, png((50_000, 50_000), &[], &zeros(1 << 20)), Some("megapixels")),
        ("PNG that is 7,000 × 7,000", PNG, png((7_000, 7_000), &[], &zeros(7_000 * 21_001)), Some("megapixels")),
        ("PNG that claims the most there is", PNG, png((0x7fff_ffff, 0x7fff_ffff), &[], &zeros(1 << 20)), Some("")),
        ("JPEG that claims 50,000 × 50,000", JPEG, jpeg, Some("megapixels")),
        ("WebP that claims 16,383 × 16,383", WEBP, webp, Some("megapixels")),
        (
            "PNG with a gigabyte of text",
            PNG,
            png((120, 120), &chunk("zTXt", &[b"k\0\0", gigabyte.as_slice()].concat()), &zeros(43_320)),
            None,
        ),
        (
            "PNG with a gigabyte of colours",
            PNG,
            png((120, 120), &chunk("iCCP", &[b"k\0\0", gigabyte.as_slice()].concat()), &zeros(43_320)),
            None,
        ),
        ("PNG with more pixels than it says", PNG, png((120, 120), &[], &gigabyte), None),
        ("the largest PNG", PNG, png((8_000, 5_000), &[], &zeros(5_000 * 24_001)), None),
    ]
}

async fn bombs_are_refused_in_little_memory_and_time(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for (what, kind, bytes, why) in bombs() {
        assert!(bytes.len() < 2 * 1024 * 1024, "{what}: {}", bytes.len());
        let begun = Instant::now();
        let answer = upload(&somebody, kind, &bytes).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());
        match why {
            Some(why) => assert_refused(&answer, why, what),
            // More than there should be is passed over, or refused.
            None if answer.body["errors"].is_null() => {}
            None => assert_refused(&answer, "", what),
        }
        println!("{engine:?} {what}: {} bytes, {:?}", bytes.len(), begun.elapsed());
    }
    let most = most_memory(&server);
    println!("{engine:?}: {} MiB at most", most / 1024);
    assert!(most < 700 * 1024, "{most} KiB");
}

/// The most memory that the service has had, in KiB.
fn most_memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.children[0].id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_memory_of_bombs_at_once() {
    let server = Arc::new(Server::start_on(Arc::new(Home::migrated(Engine::Sqlite).await), &[("LOG", "warn")]).await);
    println!("at the start: {} MiB", most_memory(&server) / 1024);
    let begun = Instant::now();
    let mut sent = Vec::new();
    for _ in 0..4 {
        let somebody = server.somebody().await;
        for (_, kind, bytes, _) in bombs() {
            let somebody = somebody.clone();
            sent.push(tokio::spawn(async move { upload(&somebody, kind, &bytes).await.codes().join(" ") }));
        }
    }
    let mut codes = Vec::new();
    for sent in sent {
        codes.push(sent.await.unwrap());
    }
    println!("{} bombs at once: {:?}, {} MiB at most", codes.len(), begun.elapsed(), most_memory(&server) / 1024);
    assert!(codes.iter().all(|code| code.is_empty() || code == "INVALID_INPUT"), "{codes:?}");
}

async fn forms_are_read_as_strictly_as_json(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let picture = file(ImageFormat::Png, (120, 120));
    let operations = json!({ "query": UPLOAD, "variables": { "file": null } }).to_string();
    let (operations, map) = (operations.as_bytes(), br#"{"0":["variables.file"]}"#.as_slice());
    let (first, second) = (("name=\"operations\"", operations), ("name=\"map\"", map));
    let third = ("name=\"0\"; filename=\"me.png\"\r\ncontent-type: image/png", picture.as_slice());
    let send = |parts: &[(&str, &[u8])]| {
        let request = somebody.form(form(parts)).header("x-requested-with", "fetch");
        let somebody = somebody.clone();
        async move { somebody.send_as(request).await }
    };
    send(&[first, second, third]).await.data();
    let in_list = json!({ "query": "mutation ($files: [Upload!]!) { a: uploadPicture(file: $files) { id } }", "variables": { "files": [null] } });
    for (what, parts) in [
        ("nothing", vec![]),
        ("no file", vec![first, second]),
        ("no map", vec![first, third]),
        ("another order", vec![second, first, third]),
        ("the file first", vec![third, first, second]),
        ("two files", vec![first, second, third, third]),
        ("another name", vec![first, second, ("name=\"1\"; filename=\"me.png\"", picture.as_slice())]),
        ("two files in the map", vec![first, ("name=\"map\"", br#"{"0":["variables.file"],"1":["variables.file"]}"#), third]),
        ("a key twice", vec![first, ("name=\"map\"", br#"{"0":["variables.file"],"0":["variables.file"]}"#), third]),
        ("a map of something else", vec![first, ("name=\"map\"", br#"{"0":"variables.file"}"#), third]),
        ("no place", vec![first, ("name=\"map\"", br#"{"0":[]}"#), third]),
        ("a place that is not there", vec![first, ("name=\"map\"", br#"{"0":["variables.other.0"]}"#), third]),
        ("the same place twice", vec![first, ("name=\"map\"", br#"{"0":["variables.file","variables.file"]}"#), third]),
        ("the query", vec![first, ("name=\"map\"", br#"{"0":["query"]}"#), third]),
        ("operations that are no JSON", vec![("name=\"operations\"", b"{".as_slice()), second, third]),
        ("a batch", vec![("name=\"operations\"", b"[]".as_slice()), second, third]),
        (
            "a type that is not right",
            vec![
                ("name=\"operations\"", in_list.to_string().leak().as_bytes()),
                ("name=\"map\"", br#"{"0":["variables.files.0"]}"#),
                third,
            ],
        ),
    ] {
        let answer = send(&parts).await;
        assert_eq!(answer.codes(), ["INVALID_INPUT"], "{what}: {} {}", answer.status, answer.text);
    }
    let answer = send(&[("name=\"operations\"", &vec![b' '; 1024 * 1024 + 1]), second, third]).await;
    assert_eq!((answer.status, answer.codes()), (400, vec!["INVALID_INPUT"]), "{}", answer.text);
    // Far too much is read to its end, so that the answer arrives.
    let answer = send(&[first, second, ("name=\"0\"; filename=\"me.png\"", &vec![0; 20 * 1024 * 1024])]).await;
    assert_eq!((answer.status, answer.codes()), (413, vec!["INVALID_INPUT"]));
    assert!(answer.text.contains("5 MiB"), "{}", answer.text);
    // A page elsewhere can send a form, but none of these headers.
    let answer = somebody.send_as(somebody.form(form(&[first, second, third]))).await;
    assert_eq!((answer.status, answer.codes()), (415, vec!["INVALID_INPUT"]));
    assert!(answer.text.contains("GraphQL-Require-Preflight"), "{}", answer.text);
    let elsewhere = somebody.with_header("origin", "https://evil.example");
    assert_eq!(upload(&elsewhere, PNG, &picture).await.status, 403);
    // Strangers are told before anything is read.
    let answer = upload(&somebody.with_token(None), PNG, &picture).await;
    assert_eq!(answer.codes(), ["UNAUTHENTICATED"]);
    let answer = upload(&somebody.with_token(Some("x.y.z")), PNG, &vec![0; 10 * 1024 * 1024]).await;
    assert_eq!(answer.codes(), ["UNAUTHENTICATED"]);
    // A file comes by a form alone, whatever stands in its place.
    for value in [
        json!("#__graphql_file__:0"),
        json!("#__graphql_file__:x"),
        json!(1),
        json!({ "name": "me.png", "content": "x" }),
        json!([]),
    ] {
        assert_refused(&somebody.send(UPLOAD, json!({ "file": value })).await, "multipart/form-data", &value.to_string());
    }
    assert_eq!(somebody.send(UPLOAD, json!({ "file": null })).await.codes(), ["INVALID_INPUT"]);
    let many = ["a", "b", "c", "d", "e"].map(|name| format!("{name}: uploadPicture(file: $file) {{ id }}")).join(" ");
    let answer = somebody.send_file(&format!("mutation ($file: Upload!) {{ {many} }}"), (PNG.0, PNG.1, &picture)).await;
    assert_eq!(answer.codes(), ["TOO_COMPLEX"]);
    let both = "mutation ($file: Upload!) { uploadPicture(file: $file) { type } cover: uploadPicture(type: COVER, file: $file) { type } }";
    let both = somebody.send_file(both, (PNG.0, PNG.1, &picture)).await.data().clone();
    assert_eq!(both, json!({ "uploadPicture": { "type": "PROFILE" }, "cover": { "type": "COVER" } }));
}

async fn links_lead_to_the_picture_they_were_made_for(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let picture = uploaded(&somebody, PNG, &file(ImageFormat::Png, (200, 100))).await;
    let link = picture["url"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&format!("{}/pictures/", server.origin)), "{link}");
    assert_eq!(
        somebody.data("{ me { picture { url } } }").await["me"]["picture"]["url"],
        link.as_str(),
        "the same for some hours"
    );
    let stranger = server.client();
    let get = |link: &str| stranger.follow(Method::GET, link);

    let answer = get(&link).send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let tag = header("etag");
    assert!(tag.starts_with('"') && tag.len() > 40);
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("content-disposition", "inline; filename=\"picture.jpeg\""),
        ("cross-origin-resource-policy", "cross-origin"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(header(name), value, "{name}");
    }
    let caching = header("cache-control");
    let age: i64 =
        caching.strip_prefix("private, max-age=").and_then(|rest| rest.strip_suffix(", immutable")).unwrap().parse().unwrap();
    assert!((6 * 3600 - 60..=12 * 3600).contains(&age), "{caching}");
    let length = header("content-length");
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(length, bytes.len().to_string());

    let head = stranger.follow(Method::HEAD, &link).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, length.as_str()));
    assert!(head.bytes().await.unwrap().is_empty());
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = get(&link).header("if-none-match", &known).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["etag"].to_str().unwrap()), (304, tag.as_str()), "{known}");
        assert!(answer.headers()["cache-control"].to_str().unwrap().starts_with("private, max-age="));
    }
    assert_eq!(get(&link).header("if-none-match", "\"other\"").send().await.unwrap().status(), 200);
    assert_eq!(stranger.follow(Method::POST, &link).send().await.unwrap().status(), 405);

    // Somebody else's picture, for the ids to be mixed.
    let other = server.somebody().await;
    let others = uploaded(&other, PNG, &file(ImageFormat::Png, (300, 100))).await["url"].as_str().unwrap().to_owned();
    let part = |link: &str, name: &str| link.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned();
    let path = |link: &str| link.split('?').next().unwrap().to_owned();
    let (version, expires, signature) = (part(&link, "v="), part(&link, "e="), part(&link, "s="));
    let later = (expires.parse::<i64>().unwrap() + 1).to_string();
    let turned: String =
        std::iter::once(if signature.starts_with('A') { 'B' } else { 'A' }).chain(signature.chars().skip(1)).collect();
    for bad in [
        link.replace(&signature, &turned),
        link.replace(&signature, &signature[1..]),
        link.replace(&signature, ""),
        link.replace(&signature, &part(&others, "s=")),
        link.replace(&expires, &later),
        link.replace(&expires, "9223372036854775807"),
        link.replace(&expires, "x"),
        link.replace(&version, &part(&others, "v=")),
        link.replace(&path(&link), &path(&others)),
        path(&link),
        link.replace("/pictures/", "/pictures/x"),
        link.replace(&path(&link), &format!("{}/pictures/%3Cscript%3E", server.origin)),
        link.replace(&path(&link), &format!("{}/pictures/99999999999999999999", server.origin)),
    ] {
        for known in ["", tag.as_str(), "*"] {
            let answer = get(&bad).header("if-none-match", known).send().await.unwrap();
            assert_eq!(
                (answer.status().as_u16(), answer.headers()["cache-control"].to_str().unwrap()),
                (404, "no-store"),
                "{bad}"
            );
            assert!(answer.bytes().await.unwrap().is_empty(), "{bad}");
        }
    }
    // It ends, and another picture in its place has another link.
    let status =
        async |server: &Server, link: &str| server.client().follow(Method::GET, link).send().await.unwrap().status().as_u16();
    let tomorrow = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "43200")]).await;
    assert_eq!((status(&tomorrow, &link).await, status(&server, &link).await), (404, 200));
    let soon = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "21540")]).await;
    assert_eq!(status(&soon, &link).await, 200, "good for six hours at least");
    let replaced = uploaded(&somebody, PNG, &file(ImageFormat::Png, (100, 200))).await;
    assert_eq!(replaced["id"], picture["id"]);
    let new = replaced["url"].as_str().unwrap();
    assert_eq!((status(&server, &link).await, status(&server, new).await), (404, 200));
    let forged = link.replace(&version, &part(new, "v="));
    assert_eq!(status(&server, &forged).await, 404);
    somebody.data("mutation { removePicture(type: PROFILE) }").await;
    assert_eq!(status(&server, new).await, 404);
    assert_eq!(get(new).header("if-none-match", "*").send().await.unwrap().status(), 404);
}

async fn pictures_are_replaced_removed_and_bounded(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let query = "{ me { picture { id } cover: picture(type: COVER) { id } pictures { id type width } } }";
    assert_eq!(somebody.data(query).await["me"], json!({ "picture": null, "cover": null, "pictures": [] }));
    let remove = |kind: &str| format!("mutation {{ removePicture(type: {kind}) }}");
    assert_eq!(somebody.data(&remove("COVER")).await["removePicture"], false, "there is none");
    let (one, two) = (file(ImageFormat::Png, (200, 100)), file(ImageFormat::Png, (300, 100)));
    let (first, second) = tokio::join!(upload(&somebody, PNG, &one), upload(&somebody, PNG, &two));
    assert_eq!(first.data()["uploadPicture"]["id"], second.data()["uploadPicture"]["id"], "two at once are one picture");
    let stored = somebody.data(query).await["me"].clone();
    assert_eq!(stored["pictures"].as_array().unwrap().len(), 1);
    assert!([200, 300].contains(&stored["pictures"][0]["width"].as_i64().unwrap()));
    let cover = UPLOAD.replace("file: $file", "type: COVER, file: $file");
    somebody.send_file(&cover, (PNG.0, PNG.1, &one)).await.data();
    // Administrators see what is known of it, and it; others nothing. Nobody removes another person's.
    let id = somebody.data("{ me { id } }").await["me"]["id"].clone();
    let node = format!("{{ node(id: {id}) {{ ... on User {{ pictures {{ type url }} }} }} }}");
    let admin = server.admin().await;
    let seen = admin.data(&node).await["node"]["pictures"].clone();
    assert_eq!((&seen[0]["type"], &seen[1]["type"]), (&json!("PROFILE"), &json!("COVER")));
    download(&admin, &seen[0]).await;
    let other = server.somebody().await;
    assert_eq!(other.send(&node, Value::Null).await.codes(), ["NOT_FOUND"]);
    assert_eq!(other.data(&remove("PROFILE")).await["removePicture"], false);
    assert_eq!(somebody.data(&remove("PROFILE")).await["removePicture"], true);
    assert_eq!(somebody.data(&remove("PROFILE")).await["removePicture"], false);
    let left = somebody.data(query).await["me"].clone();
    assert_eq!((&left["picture"], left["pictures"].as_array().unwrap().len()), (&Value::Null, 1));
    // A session that has ended changes nothing, however far its upload had come.
    somebody.data("mutation { signOut }").await;
    assert_eq!(upload(&somebody, PNG, &one).await.codes(), ["UNAUTHENTICATED"]);
    // Thirty at once, good or not.
    for number in 0..30 {
        let answer = upload(&other, PNG, if number == 0 { &one } else { b"x" }).await;
        assert_ne!(answer.codes(), ["RATE_LIMITED"], "{number}");
    }
    assert_eq!(upload(&other, PNG, &one).await.codes(), ["RATE_LIMITED"]);
    upload(&admin, PNG, &one).await.data();
}

/// A file that is put where JSON is taken is refused, and costs no more than a file.
async fn a_file_is_no_json(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let bytes = vec![0xC8; 5 * 1024 * 1024 - 10];
    let idle = most_memory(&server);
    let save = "mutation ($f: [JSON]) { saveRoomEnvGame(input: { roomData: $f }) { id } }";
    let operations = json!({ "query": save, "variables": { "f": vec![Value::Null; 10] } }).to_string();
    let paths: Vec<_> = (0..10).map(|place| format!("variables.f.{place}")).collect();
    let map = json!({ "0": paths }).to_string();
    let parts: [(&str, &[u8]); 3] = [
        ("name=\"operations\"", operations.as_bytes()),
        ("name=\"map\"", map.as_bytes()),
        ("name=\"0\"; filename=\"a.jpg\"\r\ncontent-type: image/jpeg", &bytes),
    ];
    let request = somebody.form(form(&parts)).header("graphql-require-preflight", "1");
    let answer = somebody.send_as(request).await;
    assert_eq!(answer.codes(), ["INVALID_INPUT"], "{}", &answer.text[..answer.text.len().min(300)]);
    assert!(answer.text.contains("an Upload is taken"), "{}", &answer.text[..answer.text.len().min(300)]);
    let grown = most_memory(&server).saturating_sub(idle);
    assert!(grown < 64 * 1024, "it took {grown} KiB");
    assert_eq!(somebody.data("{ me { roomEnvGame { id } } }").await["me"]["roomEnvGame"], Value::Null);
}

async fn screens_read_no_bytes_of_pictures(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let answer = upload(&somebody, PNG, &file(ImageFormat::Png, (200, 100))).await;
    answer.data();
    let read = |statements: &[String]| {
        statements.iter().filter(|text| text.starts_with("SELECT") && text.contains("picture_data")).count()
    };
    assert_eq!(read(&server.statements(&answer).await), 0);
    let query = "{ me { picture { url } cover: picture(type: COVER) { id } pictures { id dateUpdated } } }";
    let answer = somebody.send(query, Value::Null).await;
    answer.data();
    let statements = server.statements(&answer).await;
    assert_eq!((statements.len(), read(&statements)), (2, 0), "{statements:#?}");
    for _ in 0..3 {
        upload(&server.somebody().await, PNG, &file(ImageFormat::Png, (200, 100))).await.data();
    }
    let admin = server.admin().await;
    admin.look_at_everybody().await;
    let answer = admin.send("{ users { nodes { pictures { url } } } }", Value::Null).await;
    assert_eq!(answer.data()["users"]["nodes"].as_array().unwrap().len(), 5);
    let statements = server.statements(&answer).await;
    assert_eq!((statements.len(), read(&statements)), (3, 0), "{statements:#?}");
}
