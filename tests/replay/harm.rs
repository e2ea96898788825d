//! Zips that were made to harm whoever opens them.

use std::fs::{self, File};
use std::io::Write as _;

use secondlook::slack::export::{Export, NotAnExport};
use zip::write::SimpleFileOptions;

use super::{CHANNELS, day, said, zipped};

const DAY: &str = "backend/2026-09-21.json";

#[test]
fn a_zip_that_would_become_far_more_than_it_is_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let spaces = " ".repeat(8 * 1024 * 1024);
    let path = zipped(dir.path(), &[CHANNELS, (DAY, &spaces)]);
    assert!(fs::metadata(&path).unwrap().len() < 20_000, "it is small");
    let error = Export::open(&path).unwrap_err();
    assert!(matches!(error, NotAnExport::Bomb(_)), "{error}");
    assert!(error.to_string().contains("would become 8 MiB"), "{error}");
}

#[test]
fn files_that_share_their_bytes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("export.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    let noise: String = (0..4_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_string()).collect();
    zip.start_file(DAY, SimpleFileOptions::default()).unwrap();
    zip.write_all(noise.as_bytes()).unwrap();
    for day in 10..30 {
        zip.shallow_copy_file(DAY, &format!("backend/2026-08-{day}.json")).unwrap();
    }
    zip.finish().unwrap();
    let error = Export::open(&path).unwrap_err();
    assert!(error.to_string().contains("share their bytes"), "{error}");
}

#[test]
fn a_day_that_is_longer_than_any_day_is_named_and_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("export.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("backend/2026-09-20.json", stored).unwrap();
    for _ in 0..65 {
        zip.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    zip.start_file(DAY, stored).unwrap();
    zip.write_all(day(&[said(1, "U1", "hello")]).as_bytes()).unwrap();
    zip.finish().unwrap();
    let mut export = Export::open(&path).unwrap();
    assert!(export.next_day(0).unwrap().day.messages.is_empty());
    assert_eq!(export.next_day(0).unwrap().day.messages.len(), 1);
    assert_eq!(export.skipped[0].reason, "longer than 64 MiB");
}

#[test]
fn a_file_that_unpacks_to_more_than_it_announced_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let hello = day(&[said(1, "U1", &"hello ".repeat(1_000))]);
    let path = zipped(dir.path(), &[(DAY, &hello)]);
    let mut bytes = fs::read(&path).unwrap();
    // The sizes in the central directory, at 24 bytes after its mark, are made a lie.
    let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[directory + 24..directory + 28].copy_from_slice(&10_u32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let mut export = Export::open(&path).unwrap();
    let read = export.next_day(0).unwrap().day.messages.len();
    assert_eq!(read + export.skipped.len(), 1, "read whole, or named");
}

#[test]
fn a_damaged_file_is_named_and_the_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let hello = day(&[said(1, "U1", "hello")]);
    let path = zipped(dir.path(), &[("backend/2026-09-20.json", &hello), (DAY, &hello)]);
    let mut bytes = fs::read(&path).unwrap();
    let name = bytes.windows(23).position(|w| w == b"backend/2026-09-20.json").unwrap();
    bytes[name + 40] ^= 0xff;
    fs::write(&path, bytes).unwrap();
    let mut export = Export::open(&path).unwrap();
    assert!(export.next_day(0).unwrap().day.messages.is_empty());
    assert_eq!(export.next_day(0).unwrap().day.messages.len(), 1);
    assert!(export.skipped[0].reason.contains("damaged in the zip"), "{:?}", export.skipped);
}
