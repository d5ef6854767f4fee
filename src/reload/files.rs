//! A set of files, read into memory: names and bytes, in one order, within limits, from one state of the disk.

use super::modes;
use super::rosters::{ROSTERS_BYTES_MAX, RosterRead, RosterState, ZIP};
use crate::policy::Source;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The largest directory, in bytes, all files together.
pub const BUNDLE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The most files that a directory may have.
pub const FILES_MAX: usize = 4096;

/// How often files are read that change while they are being read, before that is an error. Each attempt is tried
/// again at the next look, so this is no end.
const ATTEMPTS: u32 = 4;

/// Which files belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSet {
    /// All files of a flat directory. Names that begin with a dot are not read.
    Directory(PathBuf),
    /// The same, with rosters: each folder and each `.zip` in the directory is one, called as it is, and so are those
    /// that lie elsewhere, which are named here.
    Bundle {
        /// The directory.
        directory: PathBuf,
        /// Rosters that lie elsewhere, by name.
        rosters: Vec<(String, PathBuf)>,
    },
    /// These files.
    Files(Vec<PathBuf>),
}

/// Files as they were read.
#[derive(Debug)]
pub struct Read {
    /// Names and bytes. In a directory sorted by name, with names without the directory; else in the order of the
    /// set, with paths as they were configured.
    pub sources: Vec<Source>,
    /// The rosters of a [`FileSet::Bundle`], ordered by name.
    pub rosters: Vec<RosterRead>,
    /// SHA-256 over names and bytes, as 64 hexadecimal digits.
    pub digest: String,
    pub(super) state: State,
}

/// Where the files lie and what the file system says of them: differs whenever one was written, exchanged, added,
/// taken away, or given another mode. Symbolic links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    root: Option<PathBuf>,
    files: Vec<FileState>,
    rosters: Vec<RosterState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileState {
    pub(super) name: String,
    pub(super) path: PathBuf,
    device: u64,
    inode: u64,
    pub(super) bytes: u64,
    /// Last write and last change of the inode, each in nanoseconds since 1970. The second cannot be set at will.
    written: i128,
    changed: i128,
}

impl State {
    /// The files, each with every link resolved as far as this can be done, and the folders of rosters.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let of_rosters = self.rosters.iter().flat_map(RosterState::paths);
        self.files.iter().map(|file| file.path.as_path()).chain(of_rosters)
    }

    /// Whether it differs from `other` in rosters at the most.
    fn same_but_for_rosters(&self, other: &State) -> bool {
        self.root == other.root && self.files == other.files
    }
}

impl FileSet {
    /// The paths as they were configured.
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            FileSet::Directory(path) => vec![path],
            FileSet::Bundle { directory, rosters } => std::iter::once(directory)
                .chain(rosters.iter().map(|(_, path)| path))
                .map(PathBuf::as_path)
                .collect(),
            FileSet::Files(paths) => paths.iter().map(PathBuf::as_path).collect(),
        }
    }

    /// Reads everything, from one state of the disk: the path of a directory is resolved once, and what the file
    /// system says of it and its files is the same before and after, or it is read again. Where a directory is
    /// exchanged by moving a symbolic link (as Kubernetes does with a `ConfigMap`), all files come from the one or all
    /// from the other. A roster that cannot be read is said of that roster alone.
    ///
    /// # Errors
    /// Something cannot be read, a name is not text, something is not a file, a limit is passed, or the files do not
    /// come to rest. The text names the file.
    pub fn read(&self) -> io::Result<Read> {
        self.read_at_rest(false)
    }

    fn read_at_rest(&self, guarded: bool) -> io::Result<Read> {
        let mut state = self.state()?;
        for attempt in 1..=ATTEMPTS {
            let sources = read_all(&state);
            let within = state.root.as_deref().unwrap_or(Path::new("/"));
            let mut left = ROSTERS_BYTES_MAX;
            let mut rosters: Vec<RosterRead> =
                state.rosters.iter().map(|roster| roster.read(within, guarded, &mut left)).collect();
            let after = self.state()?;
            // A roster that is being copied for minutes must not keep the rest waiting.
            if state == after || (attempt == ATTEMPTS && state.same_but_for_rosters(&after)) {
                for (read, before) in rosters.iter_mut().zip(&state.rosters) {
                    if !after.rosters.contains(before) {
                        read.restless();
                    }
                }
                let sources = sources?;
                return Ok(Read { digest: digest_of(&sources, &rosters), sources, rosters, state });
            }
            state = after;
        }
        let path = self.paths().first().map(|path| path.display().to_string()).unwrap_or_default();
        Err(mistake(format!("`{path}` keeps changing while it is read")))
    }

    /// As [`read`](FileSet::read), but refuses what group or others may write, unless the file system is mounted
    /// read-only.
    ///
    /// # Errors
    /// As [`read`](FileSet::read); and the text names the path, its mode, and what to do.
    pub fn read_guarded(&self) -> io::Result<Read> {
        let read = self.read_at_rest(true)?;
        if let Some(root) = &read.state.root {
            modes::check(root)?;
        }
        for file in &read.state.files {
            modes::check_below(read.state.root.as_deref(), &file.path)?;
        }
        Ok(read)
    }

    /// What the file system says, without reading any file.
    pub(super) fn state(&self) -> io::Result<State> {
        let mut files = Vec::new();
        let mut rosters: Vec<RosterState> = Vec::new();
        match self {
            FileSet::Directory(directory) | FileSet::Bundle { directory, .. } => {
                let root = fs::canonicalize(directory).map_err(|error| say(directory, &error))?;
                if !root.is_dir() {
                    return Err(mistake(format!("`{}` is not a directory", directory.display())));
                }
                for entry in fs::read_dir(&root).map_err(|error| say(directory, &error))? {
                    let entry = entry.map_err(|error| say(directory, &error))?;
                    let name = entry.file_name().into_string().map_err(|name| {
                        mistake(format!("the name `{}` in the bundle is not UTF-8", name.display()))
                    })?;
                    if name.starts_with('.') {
                        continue;
                    }
                    if files.len() + rosters.len() == FILES_MAX {
                        let path = directory.display();
                        return Err(mistake(format!("`{path}` holds more than {FILES_MAX} files")));
                    }
                    match self.roster_name(&name, &entry.path()) {
                        Some(roster) => rosters.push(RosterState::of(roster, directory.join(&name))),
                        None => files.push(FileState::of(name, &entry.path())?),
                    }
                }
                if let FileSet::Bundle { rosters: elsewhere, .. } = self {
                    // Said here, because what is missing in it would be one mistake after the other, without a place.
                    if files.is_empty() {
                        let path = directory.display();
                        return Err(mistake(format!(
                            "`{path}` holds no files of a bundle; folders in it are rosters"
                        )));
                    }
                    let elsewhere = elsewhere.iter().cloned();
                    rosters.extend(elsewhere.map(|(name, path)| RosterState::of(name, path)));
                }
                files.sort_by(|a, b| a.name.cmp(&b.name));
                rosters.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
                Ok(State { root: Some(root), files, rosters: once_each(rosters) })
            }
            FileSet::Files(paths) => {
                for path in paths {
                    files.push(FileState::of(path.display().to_string(), path)?);
                }
                Ok(State { root: None, files, rosters })
            }
        }
    }

    /// How the roster is called that lies at this place in the directory, if it is one.
    fn roster_name(&self, name: &str, path: &Path) -> Option<String> {
        let FileSet::Bundle { .. } = self else { return None };
        match name.strip_suffix(ZIP) {
            _ if path.is_dir() => Some(name.to_owned()),
            stem => stem.map(str::to_owned),
        }
    }
}

/// Each roster once: of those with one name, none can be used.
fn once_each(rosters: Vec<RosterState>) -> Vec<RosterState> {
    let mut kept: Vec<RosterState> = Vec::with_capacity(rosters.len());
    for roster in rosters {
        match kept.pop_if(|last| last.name == roster.name) {
            Some(other) => kept.push(roster.twice(&other.path)),
            None => kept.push(roster),
        }
    }
    kept
}

impl FileState {
    pub(super) fn of(name: String, path: &Path) -> io::Result<FileState> {
        let path = fs::canonicalize(path).map_err(|error| say(path, &error))?;
        let about = fs::metadata(&path).map_err(|error| say(&path, &error))?;
        // Asked before it is opened: opening a pipe would wait for somebody to write into it.
        if about.is_dir() {
            let path = path.display();
            return Err(mistake(format!("`{path}` is a directory where a file is wanted")));
        }
        if !about.is_file() {
            return Err(mistake(format!("`{}` is not a file", path.display())));
        }
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Ok(FileState {
            name,
            path,
            device: about.dev(),
            inode: about.ino(),
            bytes: about.len(),
            written: nanos(about.mtime(), about.mtime_nsec()),
            changed: nanos(about.ctime(), about.ctime_nsec()),
        })
    }
}

fn read_all(state: &State) -> io::Result<Vec<Source>> {
    // Asked of all before the first is read: what is too much is never in memory.
    let mut left = BUNDLE_BYTES_MAX;
    for file in &state.files {
        check_size(&file.path, file.bytes, left)?;
        left = left.saturating_sub(file.bytes);
    }
    let mut left = BUNDLE_BYTES_MAX;
    let mut sources = Vec::with_capacity(state.files.len());
    for file in &state.files {
        let bytes = read_file(file, left)?;
        left = left.saturating_sub(bytes.len() as u64);
        sources.push(Source { name: file.name.clone(), bytes });
    }
    Ok(sources)
}

fn read_file(file: &FileState, left: u64) -> io::Result<Vec<u8>> {
    let path = &file.path;
    let mut bytes = Vec::with_capacity(usize::try_from(file.bytes).unwrap_or(0));
    let open = File::open(path).map_err(|error| say(path, &error))?;
    // A file may grow between the two calls: what is read is bounded by itself.
    open.take(FILE_BYTES_MAX.min(left).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| say(path, &error))?;
    check_size(path, bytes.len() as u64, left)?;
    Ok(bytes)
}

/// Refuses a file of so many bytes where it is too large, or `left` are left for it.
fn check_size(path: &Path, bytes: u64, left: u64) -> io::Result<()> {
    let path = path.display();
    if bytes > FILE_BYTES_MAX {
        let limit = FILE_BYTES_MAX / (1024 * 1024);
        return Err(mistake(format!("`{path}` is larger than {limit} MiB")));
    }
    if bytes > left {
        let limit = BUNDLE_BYTES_MAX / (1024 * 1024);
        return Err(mistake(format!("the bundle is larger than {limit} MiB, reached in `{path}`")));
    }
    Ok(())
}

/// Files, and with each roster its name and its own digest.
fn digest_of(sources: &[Source], rosters: &[RosterRead]) -> String {
    if rosters.is_empty() {
        return digest(sources);
    }
    let own = Source { name: String::new(), bytes: digest(sources).into_bytes() };
    let beside = rosters
        .iter()
        .map(|roster| Source { name: roster.name.clone(), bytes: roster.digest.clone().into_bytes() });
    digest(&std::iter::once(own).chain(beside).collect::<Vec<_>>())
}

/// Each name and each content with its length before it, so that no two sets of files have one digest.
pub(super) fn digest(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    for source in sources {
        for part in [source.name.as_bytes(), &source.bytes] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

pub(super) fn say(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot read `{}`: {error}", path.display()))
}

pub(super) fn mistake(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests;
