//! A bundle directory, read into memory: names and bytes, in one order, within limits.

use crate::policy::Source;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file of a bundle, in bytes.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The largest bundle, in bytes, all files together.
pub const BUNDLE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The most files that a bundle may have.
pub const FILES_MAX: usize = 4096;

/// Reads the files of a bundle directory, sorted by name. What the names and bytes mean is for the policy to say; a
/// file that does not belong there is handed over, so that it is reported together with everything else.
///
/// The path is resolved once, before anything is read: where a directory is exchanged by moving a symbolic link (as
/// Kubernetes does with a `ConfigMap`), all files come from the one or all from the other. Symbolic links to files are
/// followed. Names that begin with a dot are not read.
///
/// # Errors
/// The directory or a file in it cannot be read, a name is not text, something is not a file, or a limit is passed.
/// The text names the file.
pub fn read(directory: &Path) -> io::Result<Vec<Source>> {
    let root = fs::canonicalize(directory).map_err(|error| say(directory, &error))?;
    if !root.is_dir() {
        return Err(mistake(format!("`{}` is not a directory", directory.display())));
    }
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for entry in fs::read_dir(&root).map_err(|error| say(directory, &error))? {
        let entry = entry.map_err(|error| say(directory, &error))?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| mistake(format!("the name `{}` in the bundle is not UTF-8", name.display())))?;
        if name.starts_with('.') {
            continue;
        }
        if files.len() == FILES_MAX {
            return Err(mistake(format!("`{}` holds more than {FILES_MAX} files", directory.display())));
        }
        files.push((name, entry.path()));
    }
    files.sort();

    let mut left = BUNDLE_BYTES_MAX;
    let mut sources = Vec::with_capacity(files.len());
    for (name, path) in files {
        let bytes = read_file(&path, left)?;
        left = left.saturating_sub(bytes.len() as u64);
        sources.push(Source { name, bytes });
    }
    Ok(sources)
}

fn read_file(path: &Path, left: u64) -> io::Result<Vec<u8>> {
    // Asked before it is opened: opening a pipe would wait for somebody to write into it.
    let about = fs::metadata(path).map_err(|error| say(path, &error))?;
    if about.is_dir() {
        return Err(mistake(format!("`{}` is a directory; a bundle is one flat directory", path.display())));
    }
    if !about.is_file() {
        return Err(mistake(format!("`{}` is not a file", path.display())));
    }
    let check = |bytes: u64| {
        if bytes > FILE_BYTES_MAX {
            let limit = FILE_BYTES_MAX / (1024 * 1024);
            return Err(mistake(format!("`{}` is larger than {limit} MiB", path.display())));
        }
        if bytes > left {
            let limit = BUNDLE_BYTES_MAX / (1024 * 1024);
            return Err(mistake(format!(
                "the bundle is larger than {limit} MiB, reached in `{}`",
                path.display()
            )));
        }
        Ok(())
    };
    check(about.len())?;
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
    // A file may grow between the two calls: what is read is bounded by itself.
    let file = File::open(path).map_err(|error| say(path, &error))?;
    file.take(FILE_BYTES_MAX.min(left).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| say(path, &error))?;
    check(bytes.len() as u64)?;
    Ok(bytes)
}

fn say(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot read `{}`: {error}", path.display()))
}

fn mistake(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Scratch {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name =
                format!("hallpass-directory-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.join(name), text).unwrap();
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn reads_files_by_name_and_leaves_out_what_begins_with_a_dot() {
        let scratch = Scratch::new();
        scratch.write("b.yaml", "b");
        scratch.write("a.csv", "a");
        scratch.write(".hidden.yaml", "x");
        scratch.write("notes.txt", "for the policy to refuse");
        let names: Vec<String> = read(&scratch.0).unwrap().into_iter().map(|source| source.name).collect();
        assert_eq!(names, ["a.csv", "b.yaml", "notes.txt"]);
    }

    #[test]
    fn follows_the_links_of_a_config_map() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.0.join("..2026_11_21")).unwrap();
        scratch.write("..2026_11_21/policy.yaml", "real");
        std::os::unix::fs::symlink("..2026_11_21", scratch.0.join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/policy.yaml", scratch.0.join("policy.yaml")).unwrap();
        let sources = read(&scratch.0).unwrap();
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].name, "policy.yaml");
        assert_eq!(sources[0].bytes, b"real");
    }

    #[test]
    fn refuses_a_directory_inside_a_bundle_by_its_name() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.0.join("more")).unwrap();
        let error = read(&scratch.0).unwrap_err().to_string();
        assert!(error.contains("more` is a directory"), "{error}");
    }

    #[test]
    fn refuses_a_file_that_is_too_large_before_it_reads_it() {
        let scratch = Scratch::new();
        let file = File::create(scratch.0.join("people.csv")).unwrap();
        file.set_len(FILE_BYTES_MAX + 1).unwrap();
        let error = read(&scratch.0).unwrap_err().to_string();
        assert!(error.contains("people.csv` is larger than 64 MiB"), "{error}");
    }

    #[test]
    fn names_what_is_missing() {
        let error = read(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("`/nowhere/at/all`"), "{error}");
    }
}
