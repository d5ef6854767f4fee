//! Rosters beside a bundle: folders and zip files, read within limits.
//!
//! A roster is handed over by somebody else's software, so whatever is wrong with one is said of that one alone: it keeps
//! neither the bundle nor another roster from being read. Only the files that a roster consists of are looked at.

use super::archive;
use super::files::{FileState, mistake, say};
use super::modes;
use crate::policy::Source;
use crate::policy::roster::FILES;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest file of a roster, unpacked, in bytes: enrolments of 100,000 students are about a tenth of it.
pub const ROSTER_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The largest roster, unpacked, in bytes, all files together.
pub const ROSTER_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// All rosters of a bundle together, unpacked, in bytes.
pub const ROSTERS_BYTES_MAX: u64 = 2 * ROSTER_BYTES_MAX;

/// The largest zip file, in bytes.
pub const ARCHIVE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// What the name of a roster in a zip file ends with.
pub(super) const ZIP: &str = ".zip";

/// A roster as it was read.
#[derive(Debug)]
pub struct RosterRead {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its files, named without a directory, or why it cannot be read: the text for a person.
    pub files: Result<Vec<Source>, String>,
    /// SHA-256 over names and bytes, as 64 hexadecimal digits; differs for what could not be read.
    pub digest: String,
}

/// Where a roster lies and what the file system says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RosterState {
    pub(super) name: String,
    /// As it was configured, or as it was found beside the bundle.
    pub(super) path: PathBuf,
    place: Result<Place, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Folder {
        root: PathBuf,
        /// Of the folder itself: who may write it.
        mode: u32,
        files: Vec<FileState>,
    },
    Zip(FileState),
}

impl RosterState {
    /// The roster at `path`, which is a folder, or else a zip file.
    pub(super) fn of(name: String, path: PathBuf) -> RosterState {
        let place = place(&path).map_err(|error| error.to_string());
        RosterState { name, path, place }
    }

    /// One that is there twice is not used: which of the two was meant is not to be guessed.
    pub(super) fn twice(self, other: &Path) -> RosterState {
        let (name, path, other) = (&self.name, self.path.display(), other.display());
        let text =
            format!("the roster `{name}` is there twice: `{other}` and `{path}`; take one of them away");
        RosterState { place: Err(text), ..self }
    }

    /// Its files, with every link resolved, and the folder that they are in.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let (root, files) = match &self.place {
            Ok(Place::Folder { root, files, .. }) => (Some(root.as_path()), files.as_slice()),
            Ok(Place::Zip(file)) => (None, std::slice::from_ref(file)),
            Err(_) => (None, [].as_slice()),
        };
        root.into_iter().chain(files.iter().map(|file| file.path.as_path()))
    }

    /// Reads it. `within` is the directory of the bundle, for a roster that is beside it; `guarded` says whether it is
    /// refused if others may write it; `left` is how many bytes there may still be of all rosters.
    pub(super) fn read(&self, within: &Path, guarded: bool, left: &mut u64) -> RosterRead {
        let files = match &self.place {
            Ok(place) => read(place, within, guarded, *left).map_err(|error| error.to_string()),
            Err(text) => Err(text.clone()),
        };
        let read = files.iter().flatten().map(|file| file.bytes.len() as u64).sum();
        *left = left.saturating_sub(read);
        RosterRead { name: self.name.clone(), path: self.path.clone(), digest: digest(&files), files }
    }
}

impl RosterRead {
    /// Its files changed while they were read, again and again.
    pub(super) fn restless(&mut self) {
        let text = format!("the roster in `{}` keeps changing while it is read", self.path.display());
        self.files = Err(text);
        self.digest = digest(&self.files);
    }
}

fn place(path: &Path) -> io::Result<Place> {
    let root = fs::canonicalize(path).map_err(|error| say(path, &error))?;
    if !root.is_dir() {
        return FileState::of(path.display().to_string(), &root).map(Place::Zip);
    }
    let mut files = Vec::new();
    for name in FILES {
        let file = root.join(name);
        match fs::symlink_metadata(&file) {
            Ok(_) => files.push(FileState::of((*name).to_owned(), &file)?),
            // What is missing is for the policy to say.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(say(&file, &error)),
        }
    }
    let mode = fs::metadata(&root).map_err(|error| say(path, &error))?.mode();
    Ok(Place::Folder { root, mode, files })
}

fn read(place: &Place, within: &Path, guarded: bool, left: u64) -> io::Result<Vec<Source>> {
    let mut left = left.min(ROSTER_BYTES_MAX);
    match place {
        Place::Folder { root, files, .. } => {
            if guarded {
                modes::check_below(root.starts_with(within).then_some(within), root)?;
                files.iter().try_for_each(|file| modes::check_below(Some(root), &file.path))?;
            }
            let mut sources = Vec::with_capacity(files.len());
            for file in files {
                let bytes = bounded(file, ROSTER_FILE_BYTES_MAX.min(left))?;
                left = left.saturating_sub(bytes.len() as u64);
                sources.push(Source { name: file.name.clone(), bytes });
            }
            Ok(sources)
        }
        Place::Zip(file) => {
            if guarded {
                modes::check_below(file.path.starts_with(within).then_some(within), &file.path)?;
            }
            let bytes = bounded(file, ARCHIVE_BYTES_MAX)?;
            archive::unpack(&bytes, FILES, ROSTER_FILE_BYTES_MAX, left)
                .map_err(|text| mistake(format!("`{}`: {text}", file.path.display())))
        }
    }
}

fn bounded(file: &FileState, limit: u64) -> io::Result<Vec<u8>> {
    let path = &file.path;
    let too_large =
        || mistake(format!("`{}` is larger than a roster may be, or all of them together", path.display()));
    if file.bytes > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(file.bytes).unwrap_or(0));
    let open = File::open(path).map_err(|error| say(path, &error))?;
    // It may grow between the two calls.
    open.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| say(path, &error))?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

fn digest(files: &Result<Vec<Source>, String>) -> String {
    match files {
        Ok(sources) => super::files::digest(sources),
        Err(text) => {
            let hash = Sha256::new().chain_update(b"unreadable\0").chain_update(text.as_bytes());
            hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}
