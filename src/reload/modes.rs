//! Who else may write a file: what group or others may write, they may replace by a policy of their own.

use super::files::say;
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Group and others may write.
const WRITABLE: u32 = 0o022;

/// Checks one file, or what a symbolic link leads to.
///
/// # Errors
/// Group or others may write it on a file system that is not mounted read-only, or it cannot be looked at. The text
/// names the path, its mode, and what to do.
pub fn check_mode(path: &Path) -> io::Result<()> {
    check(&fs::canonicalize(path).map_err(|error| say(path, &error))?)
}

/// Checks one file or directory, with every symbolic link resolved before.
///
/// On a file system that is mounted read-only the mode does not matter: the volume of a `ConfigMap` is one whose
/// directories have mode 777.
///
/// # Errors
/// Group or others may write it, or it cannot be looked at.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let about = fs::metadata(path).map_err(|error| say(path, &error))?;
    let mode = about.mode() & 0o7777;
    if mode & WRITABLE == 0 {
        return Ok(());
    }
    let mount = statvfs(path).map_err(|error| say(path, &error.into()))?;
    if mount.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Ok(());
    }
    let path = path.display();
    let text = format!("`{path}` has mode {mode:o}: group or others may write it; run `chmod go-w {path}`");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// Checks a file and the directories between it and `root`. One that a link leads out of `root` is checked with the
/// directory that it is in; without a root it is checked alone.
///
/// # Errors
/// As [`check`].
pub(super) fn check_below(root: Option<&Path>, path: &Path) -> io::Result<()> {
    check(path)?;
    let Some(root) = root else { return Ok(()) };
    let above = path.ancestors().skip(1);
    if path.starts_with(root) {
        above.take_while(|above| *above != root).try_for_each(check)
    } else {
        above.take(1).try_for_each(check)
    }
}
