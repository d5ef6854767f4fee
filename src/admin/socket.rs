//! A socket that nobody but its owner could ever open.
//!
//! `bind` makes a socket with the rights that the process's umask leaves, and the umask belongs to all threads. So the
//! socket is made inside a new directory that only its owner can enter (0700 from its first moment), gets its mode
//! there, and is then moved to its place.

use std::fs::{self, DirBuilder, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The right of everybody to write.
const OTHERS_WRITE: u32 = 0o002;

/// A socket in its place, taken away when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Device and inode: what stands there later may be somebody else's.
    identity: (u64, u64),
}

/// Listens at `path`. A socket that stands there already is replaced if nobody listens to it.
pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Place)> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if fs::metadata(parent)?.mode() & OTHERS_WRITE != 0 {
        return Err(io::Error::other(
            "everybody may write in its directory, so anybody could take its place",
        ));
    }
    free(path)?;
    let room = Room::make(parent)?;
    let inside = room.0.join("s");
    let listener = UnixListener::bind(&inside)?;
    fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
    fs::rename(&inside, path)?;
    let metadata = fs::symlink_metadata(path)?;
    Ok((listener, Place { path: path.to_owned(), identity: (metadata.dev(), metadata.ino()) }))
}

/// Whether a socket can be put at `path`: nothing is there, or a socket that nobody listens to.
fn free(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::other("something that is no socket is there already"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::other("another process listens there")),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        // A queue that is full, or a socket of somebody else: there is a listener.
        Err(error) => Err(io::Error::other(format!("another process seems to listen there: {error}"))),
    }
}

/// A directory that only its owner can enter, for the time that it takes.
struct Room(PathBuf);

impl Room {
    fn make(parent: &Path) -> io::Result<Room> {
        // Fails where something has that name; a number nobody foresees makes that an accident.
        let number = RandomState::new().hash_one(std::process::id());
        let path = parent.join(format!(".hallpass-{number:016x}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Room(path))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0.join("s"));
        let _ = fs::remove_dir(&self.0);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|now| (now.dev(), now.ino()) == self.identity);
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}
