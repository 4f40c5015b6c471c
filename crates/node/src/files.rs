//! Writing files so that they are whole or not there, and never by accident in another's place.

use crate::{NodeError, member::Existing};
use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    Everybody,
}

/// As [`place`], in a folder that is made if it is missing.
///
/// # Errors
/// As [`place`], or when the folder cannot be made.
pub(crate) fn write(
    path: &Path,
    text: &str,
    readers: Readers,
    existing: Existing,
) -> Result<(), NodeError> {
    fs::create_dir_all(folder_of(path)).map_err(|error| NodeError::file("write", path, error))?;
    place(path, text, readers, existing)
}

/// Writes a new file for everybody in one step, to the disk, piece by piece.
///
/// # Errors
/// When it is there already, `write` fails, or it cannot be written.
pub(crate) fn place_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), NodeError>,
) -> Result<(), NodeError> {
    if path.exists() {
        // Said before the work is done.
        let why = format!("{} is there already; choose another name", path.display());
        return Err(NodeError::Input(why));
    }
    let failed = |error| NodeError::file("write", path, error);
    let mut file = NamedTempFile::new_in(folder_of(path)).map_err(failed)?;
    write(file.as_file_mut())?;
    finish(file, path, Readers::Everybody, Existing::Keep)
}

/// Writes a file in one step, to the disk.
///
/// # Errors
/// When it is there already and is to be kept, or cannot be written.
pub(crate) fn place(
    path: &Path,
    text: &str,
    readers: Readers,
    existing: Existing,
) -> Result<(), NodeError> {
    let failed = |error| NodeError::file("write", path, error);
    let folder = folder_of(path);
    // Only its owner may read it from the start.
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    finish(file, path, readers, existing)
}

/// Makes a file that has been written durable, and gives it its name.
fn finish(
    file: NamedTempFile,
    path: &Path,
    readers: Readers,
    existing: Existing,
) -> Result<(), NodeError> {
    let failed = |error| NodeError::file("write", path, error);
    if readers == Readers::Everybody {
        file.as_file().set_permissions(Permissions::from_mode(0o644)).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    let placed = match existing {
        Existing::Overwrite => file.persist(path),
        Existing::Keep => file.persist_noclobber(path),
    };
    placed.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => failed(error.error),
    })?;
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// That something would be lost.
pub(crate) fn there_already(path: &Path) -> NodeError {
    let text =
        format!("{} is there already; give --overwrite to have it written anew", path.display());
    NodeError::Input(text)
}

pub(crate) fn read(path: &Path) -> Result<String, NodeError> {
    fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))
}

/// Reads a key file, which nobody but its owner may be able to read.
pub(crate) fn read_secret(path: &Path) -> Result<String, NodeError> {
    let metadata = fs::metadata(path).map_err(|error| NodeError::file("read", path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodeError::Input(format!(
            "{}: others may read this key (mode {mode:03o}); run chmod 600 on it",
            path.display()
        )));
    }
    read(path)
}

/// The entries of a folder in order; none when it is not there.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, NodeError> {
    let failed = |error| NodeError::file("read", folder, error);
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let paths = found.map(|entry| entry.map(|entry| entry.path()).map_err(failed));
    let mut paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
