//! A bundle directory with its rosters, read once: what the verbs of the command line work on.

pub use crate::reload::{BUNDLE_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX};

use super::{Compiled, LastGood};
use crate::policy::Source;
use crate::reload::{FileSet, Mistakes, Read};
use std::io;
use std::path::{Path, PathBuf};

/// Reads the files of a bundle directory, sorted by name, and the rosters beside it and `elsewhere`. What the names and
/// bytes mean is for the policy to say; a file that does not belong there is handed over, so that it is reported together
/// with everything else. Who else may write them is not asked: that is for those who put a bundle in force.
///
/// # Errors
/// As for [`FileSet::read`]; a roster that cannot be read is said of that roster.
pub fn read(directory: &Path, elsewhere: &[(String, PathBuf)]) -> io::Result<Read> {
    FileSet::Bundle { directory: directory.to_owned(), rosters: elsewhere.to_vec() }.read()
}

/// Compiles what was read; with the files of the bundle, which mistakes point into.
pub fn compile(read: Read) -> (Vec<Source>, Result<Compiled, Mistakes>) {
    let Read { sources, rosters, .. } = read;
    let compiled = LastGood::default().compile(&sources, rosters, &|| false);
    // Nobody asks to stop, so there is always an answer.
    let compiled = compiled.unwrap_or_else(|| Err(Mistakes::default()));
    (sources, compiled)
}
