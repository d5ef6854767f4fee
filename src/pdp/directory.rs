//! A bundle directory, read once: what the verbs of the command line work on.

pub use crate::reload::{BUNDLE_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX};

use crate::policy::Source;
use crate::reload::FileSet;
use std::io;
use std::path::Path;

/// Reads the files of a bundle directory, sorted by name. What the names and bytes mean is for the policy to say; a
/// file that does not belong there is handed over, so that it is reported together with everything else. Who else may
/// write them is not asked: that is for those who put a bundle in force.
///
/// # Errors
/// As for [`FileSet::read`].
pub fn read(directory: &Path) -> io::Result<Vec<Source>> {
    FileSet::Directory(directory.to_owned()).read().map(|read| read.sources)
}
