//! Where lines go: standard output, or a file that makes way for the next one when it is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Standard output without the buffer of the standard library, which would take lines that it cannot write.
pub(super) fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// A file that becomes `file.1`, `file.1` that becomes `file.2` and so on, each time the next line would make it too
/// large. A line lies in one file, whole. Where somebody else moves the file, takes it away or empties it, as programs do
/// that rotate logs, the next line is in the file that has the name then.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    bytes_max: u64,
    keep: u32,
    file: File,
    bytes: u64,
    /// The last byte written ended a line.
    at_line_start: bool,
    /// Rotating or opening anew failed; it was said, and is tried again.
    stuck: bool,
}

impl RotatingFile {
    /// Appends to `path`, which is made for its owner alone if it is not there. A line that a crash left unfinished is
    /// ended, so that the first new one stands by itself.
    pub(super) fn open(path: PathBuf, bytes_max: u64, keep: u32) -> io::Result<RotatingFile> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path)?;
        let bytes = file.metadata()?.len();
        let at_line_start = bytes == 0 || last_byte(&mut file)? == b'\n';
        let mut file =
            RotatingFile { path, bytes_max, keep: keep.max(1), file, bytes, at_line_start, stuck: false };
        if !file.at_line_start {
            file.put(b"\n")?;
        }
        Ok(file)
    }

    /// Looks whether the name is still that of the file, and goes on in another one if it is not.
    fn follow(&mut self) {
        let result = fs::metadata(&self.path).and_then(|there| {
            let ours = self.file.metadata()?;
            // Less than was written, where somebody emptied it.
            self.bytes = ours.len();
            Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        });
        let gone = match result {
            Ok(same) => !same,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if !gone {
            return;
        }
        match RotatingFile::open(self.path.clone(), self.bytes_max, self.keep) {
            Ok(file) => {
                *self = file;
                tracing::info!(file = %self.path.display(), "the decision log was moved away: it goes on in a new file");
            }
            Err(error) => {
                self.say_stuck("the decision log was moved away, and no new one can be opened", &error)
            }
        }
    }

    /// Says it once, until it went well again.
    fn say_stuck(&mut self, what: &str, error: &io::Error) {
        if !std::mem::replace(&mut self.stuck, true) {
            tracing::warn!(file = %self.path.display(), %error, "{what}");
        }
    }

    /// Writes a part of what is left of one line or of several whole ones.
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        if let Some(last) = bytes.get(..written).and_then(<[u8]>::last) {
            self.at_line_start = *last == b'\n';
        }
        Ok(written)
    }

    /// Makes way. Where that fails the present file goes on: lines matter more than sizes.
    fn rotate(&mut self) {
        match self.try_to_rotate() {
            Ok(file) => {
                (self.file, self.bytes, self.stuck) = (file, 0, false);
            }
            Err(error) => self.say_stuck("the decision log cannot be rotated", &error),
        }
    }

    /// The new file is there before the old one is touched, and takes its name at once. Whoever looks in between finds
    /// every line under one of the names.
    fn try_to_rotate(&self) -> io::Result<File> {
        let next = numbered(&self.path, "next");
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&next)?;
        for number in (1..self.keep).rev() {
            let (from, to) = (numbered(&self.path, number), numbered(&self.path, number + 1));
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match fs::rename(&self.path, numbered(&self.path, 1)) {
            // Somebody took the file away; that is no reason not to have one again.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(&next, &self.path)?;
        Ok(file)
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = line_bytes(bytes);
        if !self.at_line_start {
            return self.put(bytes.get(..line).unwrap_or(bytes));
        }
        // Once for all lines that come together, so that it costs a line next to nothing.
        self.follow();
        if self.bytes > 0 && self.bytes.saturating_add(line as u64) > self.bytes_max {
            self.rotate();
        }
        // As many whole lines as there is room for, and one at least.
        let room = usize::try_from(self.bytes_max.saturating_sub(self.bytes)).unwrap_or(usize::MAX);
        let lines = match bytes.get(..room).and_then(|bytes| bytes.iter().rposition(|byte| *byte == b'\n')) {
            Some(last) if room < bytes.len() => last + 1,
            _ if room >= bytes.len() => bytes.len(),
            _ => line,
        };
        self.put(bytes.get(..lines).unwrap_or(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the first line ends, its end included.
fn line_bytes(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1)
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    let [last] = last;
    Ok(last)
}

fn numbered(path: &Path, number: impl std::fmt::Display) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("hallpass-sink-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn rotates_at_the_ends_of_lines_and_keeps_as_many_as_it_is_told() {
        let directory = directory("rotates");
        let path = directory.join("log");
        let mut file = RotatingFile::open(path.clone(), 20, 2).unwrap();
        let lines: String = (0..10).map(|number| format!("line {number}\n")).collect();
        file.write_all(lines.as_bytes()).unwrap();
        // Seven bytes a line, so two in a file of twenty.
        assert_eq!(read(&path), "line 8\nline 9\n");
        assert_eq!(read(&numbered(&path, 1)), "line 6\nline 7\n");
        assert_eq!(read(&numbered(&path, 2)), "line 4\nline 5\n");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);
        for entry in fs::read_dir(&directory).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn writes_a_line_that_is_larger_than_a_file_into_one_of_its_own() {
        let directory = directory("large");
        let path = directory.join("log");
        let mut file = RotatingFile::open(path.clone(), 8, 3).unwrap();
        file.write_all(b"a\na line that is too long\nb\n").unwrap();
        assert_eq!(read(&numbered(&path, 2)), "a\n");
        assert_eq!(read(&numbered(&path, 1)), "a line that is too long\n");
        assert_eq!(read(&path), "b\n");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn does_not_rotate_inside_a_line() {
        let directory = directory("inside");
        let path = directory.join("log");
        let mut file = RotatingFile::open(path.clone(), 8, 3).unwrap();
        file.put(b"half a li").unwrap();
        file.write_all(b"ne\nnext\n").unwrap();
        assert_eq!(read(&numbered(&path, 1)), "half a line\n");
        assert_eq!(read(&path), "next\n");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn ends_the_line_that_a_crash_left_and_goes_on_behind_it() {
        let directory = directory("crash");
        let path = directory.join("log");
        fs::write(&path, "whole\nhal").unwrap();
        let mut file = RotatingFile::open(path.clone(), 1000, 1).unwrap();
        file.write_all(b"new\n").unwrap();
        assert_eq!(read(&path), "whole\nhal\nnew\n");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn goes_on_in_a_new_file_where_the_present_one_was_moved_or_taken_away() {
        let directory = directory("moved");
        let path = directory.join("log");
        let mut file = RotatingFile::open(path.clone(), 1000, 1).unwrap();
        file.write_all(b"one\n").unwrap();
        fs::rename(&path, directory.join("theirs")).unwrap();
        file.write_all(b"two\n").unwrap();
        assert_eq!((read(&directory.join("theirs")).as_str(), read(&path).as_str()), ("one\n", "two\n"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        file.write_all(b"three\n").unwrap();
        assert_eq!(read(&path), "three\n");
        // A new file that stands there already is gone on with, behind what is in it.
        fs::write(directory.join("new"), "theirs\n").unwrap();
        fs::rename(directory.join("new"), &path).unwrap();
        file.write_all(b"four\n").unwrap();
        assert_eq!(read(&path), "theirs\nfour\n");
        // Without a place for a new one, the old one takes the lines.
        fs::remove_dir_all(&directory).unwrap();
        file.write_all(b"five\n").unwrap();
        fs::create_dir_all(&directory).unwrap();
        file.write_all(b"six\n").unwrap();
        assert_eq!(read(&path), "six\n");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn counts_anew_in_a_file_that_somebody_emptied() {
        let directory = directory("emptied");
        let path = directory.join("log");
        let mut file = RotatingFile::open(path.clone(), 10, 1).unwrap();
        file.write_all(b"line 1\n").unwrap();
        File::create(&path).unwrap();
        file.write_all(b"line 2\n").unwrap();
        assert_eq!(read(&path), "line 2\n");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn goes_on_with_the_present_file_where_it_cannot_rotate() {
        let directory = directory("stuck");
        let path = directory.join("log");
        // A directory that is not empty cannot be replaced by a file.
        fs::create_dir_all(numbered(&path, 1).join("x")).unwrap();
        let mut file = RotatingFile::open(path.clone(), 4, 1).unwrap();
        file.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(read(&path), "one\ntwo\n");
        fs::remove_dir_all(numbered(&path, 1)).unwrap();
        file.write_all(b"three\n").unwrap();
        assert_eq!(read(&path), "three\n");
        assert_eq!(read(&numbered(&path, 1)), "one\ntwo\n");
        fs::remove_dir_all(directory).unwrap();
    }
}
