//! The files of a store hold people's words: they are for their owner alone, from the first byte on.
//!
//! SQLite gives `-wal` and `-shm` the rights of the file itself. Windows has no such rights; there the folder's count.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Opens files that, when it makes them, only their owner may read.
pub(in crate::store) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the file unless it is there, before SQLite does with the rights that the umask leaves.
pub(super) fn create(database: &Path) {
    // Why it can't be made, SQLite says better.
    drop(options().write(true).create_new(true).open(database));
}

/// Takes away what everybody on the machine may do with files that are there already. Where only the group may read,
/// somebody meant it (a sidecar that replicates the file), and it stays.
#[cfg(unix)]
pub(super) fn tighten(files: &[PathBuf]) {
    use std::os::unix::fs::PermissionsExt as _;
    for file in files {
        let Ok(found) = std::fs::metadata(file) else { continue };
        let mode = found.permissions().mode();
        let everybodys = mode & 0o007;
        if everybodys == 0 {
            continue;
        }
        match std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode & 0o700)) {
            Ok(()) => tracing::warn!(
                file = %file.display(),
                "everybody on this machine could read a file of the store; now its owner alone can"
            ),
            Err(error) => tracing::warn!(
                file = %file.display(),
                error.kind = %error.kind(),
                "everybody on this machine can read a file of the store: take that right away (chmod 600)"
            ),
        }
    }
}

/// Here the folder's rights count.
#[cfg(not(unix))]
pub(super) fn tighten(_: &[PathBuf]) {}
