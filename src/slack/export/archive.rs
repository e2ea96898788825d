//! The files of an export, in a folder or in a zip; with limits, since anybody may have made the zip.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::{NotAnExport, Skipped};

/// The longest file that is read. Slack writes one file a channel and day: a hundred thousand messages fit.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// More files are no export.
const FILES_MAX: usize = 2_000_000;
/// Chat packs about ten to one; what packs better by far is made to fill the memory of whoever opens it.
const RATIO_MAX: u64 = 200;
/// Folders within folders.
const DEPTH_MAX: usize = 8;

/// Where the files are.
#[derive(Debug)]
pub(super) enum Archive {
    Folder(PathBuf),
    Zip(BufReader<File>),
}

/// A JSON file of the export.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its path in the export, with `/` between the parts.
    pub path: String,
    /// Its size as announced, unpacked.
    pub bytes: u64,
    /// Where it is in the zip.
    zipped: Option<ZipFileEntry<'static>>,
}

impl Archive {
    /// Opens a folder or a zip and lists its JSON files.
    pub(super) fn open(
        path: &Path,
        skipped: &mut Vec<Skipped>,
    ) -> Result<(Self, Vec<Entry>), NotAnExport> {
        let mut entries = Vec::new();
        if fs::metadata(path)?.is_dir() {
            list(path, "", DEPTH_MAX, &mut entries, skipped)?;
            return Ok((Self::Folder(path.to_owned()), entries));
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut sum = Sum::default();
        let not_a_zip = |error: ZipError| NotAnExport::NotAZip(error.to_string());
        // What zip's own archive keeps of a file is twenty times what is needed here, and an export has many files.
        let mut zip =
            ZipIterable::try_new(BufReader::new(file), Config::default()).map_err(not_a_zip)?;
        for entry in zip.files().map_err(not_a_zip)? {
            let entry = entry.map_err(not_a_zip)?;
            sum.add(&entry);
            if entry.is_file()
                && let Some(path) = name(entry.name_raw(), entry.name().ok().as_deref())
            {
                entries.push(Entry { path, bytes: entry.size(), zipped: Some(entry) });
            }
        }
        sum.refuse_bombs(length)?;
        Ok((Self::Zip(BufReader::new(File::open(path)?)), entries))
    }

    /// The whole of a file, or why not.
    pub(super) fn read(&mut self, entry: Entry) -> Result<Vec<u8>, String> {
        if entry.bytes > FILE_BYTES_MAX {
            return Err(too_long());
        }
        match (self, entry.zipped) {
            (Self::Zip(zip), Some(zipped)) => {
                let file = zipped.with_reader(zip, ZipReadOptions::new());
                all(file.map_err(|error| error.to_string())?, entry.bytes)
                    .map_err(|error| format!("damaged in the zip: {error}"))?
            }
            (Self::Folder(root), _) => File::open(root.join(&entry.path))
                .and_then(|file| all(file, entry.bytes))
                .map_err(|error| error.to_string())?,
            (Self::Zip(_), None) => None,
        }
        .ok_or_else(too_long)
    }
}

fn too_long() -> String {
    format!("longer than {} MiB", FILE_BYTES_MAX / 1024 / 1024)
}

/// Everything a file holds, or nothing when that is more than is read, whatever it announced.
fn all(file: impl Read, announced: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= FILE_BYTES_MAX).then_some(bytes))
}

/// What a zip claims to hold.
#[derive(Default)]
struct Sum {
    files: usize,
    packed: u64,
    unpacked: u64,
}

impl Sum {
    fn add(&mut self, entry: &ZipFileEntry<'_>) {
        self.files += 1;
        self.packed = self.packed.saturating_add(entry.compressed_size());
        self.unpacked = self.unpacked.saturating_add(entry.size());
    }

    fn refuse_bombs(&self, length: u64) -> Result<(), NotAnExport> {
        let bomb = if self.files > FILES_MAX {
            format!("it lists {} files", self.files)
        } else if self.packed > length {
            "its files share their bytes".to_owned()
        } else if self.unpacked / RATIO_MAX > self.packed {
            let (packed, unpacked) = (self.packed / 1024, self.unpacked / 1024 / 1024);
            format!("{packed} KiB would become {unpacked} MiB")
        } else {
            return Ok(());
        };
        Err(NotAnExport::Bomb(bomb))
    }
}

/// The path of an entry that may matter. Slack's zips hold UTF-8 without saying so; then `otherwise` is garbled.
fn name(raw: &[u8], otherwise: Option<&str>) -> Option<String> {
    let name = std::str::from_utf8(raw).ok().or(otherwise)?.replace('\\', "/");
    let name = name.trim_start_matches("./").trim_start_matches('/');
    matters(name).then(|| name.to_owned())
}

/// Whether it is JSON, and not what a Mac adds to a zip.
fn matters(path: &str) -> bool {
    let json = path.rsplit_once('.').is_some_and(|(_, ending)| ending == "json");
    json && !path.split('/').any(|p| p == "__MACOSX" || p.starts_with("._"))
}

/// The files of a folder; links are not followed.
fn list(
    folder: &Path,
    prefix: &str,
    depth: usize,
    entries: &mut Vec<Entry>,
    skipped: &mut Vec<Skipped>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            let file = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let reason = "its name is not UTF-8".to_owned();
            skipped.push(Skipped { file, line: None, reason });
            continue;
        };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            if let Err(error) =
                list(&entry.path(), &format!("{path}/"), depth - 1, entries, skipped)
            {
                skipped.push(Skipped { file: path, line: None, reason: error.to_string() });
            }
        } else if kind.is_file() && matters(&path) {
            let bytes = entry.metadata()?.len();
            entries.push(Entry { path, bytes, zipped: None });
        }
    }
    Ok(())
}
