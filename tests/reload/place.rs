//! Directories that change in the ways in which directories change.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A bundle that lets ari into class 1A, with `change` in its manifest.
pub fn bundle(change: &str) -> String {
    bundle_with(change, "1A", "")
}

/// The same for another class, with more sections.
pub fn bundle_with(change: &str, class: &str, more: &str) -> String {
    format!(
        r#"
bundle: {{name: reload-tests, time_zone: Europe/Berlin, author: tests, change: "{change}"}}
issuers:
  gateway: {{claim: sub, matches: id}}
  https://login.school.example: {{claim: sub, matches: id}}
domains:
  toddle:
    precedence: most_specific
    levels: [account, class]
    scopes: {{account/springfield: {{class/1A: ~, class/1B: ~}}}}
    modules: {{attendance: {{level: class, permissions: {{view: {{}}, mark: {{}}}}}}}}
    roles: {{class_teacher: {{level: class, grants: {{attendance: all}}}}}}
people:
  ari: {{kinds: [staff]}}
  sam: {{kinds: [student]}}
assignments:
  - {{subject: ari, role: class_teacher, scope: class/{class}, until: 2027-07-31}}
routes:
  "GET /classes/{{class}}/attendance": {{permission: attendance.view, on: "class/{{class}}"}}
{more}"#
    )
}

/// The revision that a bundle of this one file has.
pub fn revision(text: &str) -> String {
    let source = hallpass::policy::Source { name: "bundle.yaml".into(), bytes: text.into() };
    hallpass::policy::compile(&[source]).bundle.unwrap().revision().to_owned()
}

/// How a directory changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The file is written again.
    InPlace,
    /// An editor writes another file and moves it over the old one.
    Renamed,
    /// The file is removed and made again.
    Recreated,
    /// The directory is a link that is moved to another directory.
    Link,
    /// The directory is moved away and another one moved in.
    Moved,
    /// Kubernetes: files are links through `..data`, which is moved.
    ConfigMap,
}

pub const WAYS: &[Way] = &[Way::InPlace, Way::Renamed, Way::Recreated, Way::Link, Way::Moved, Way::ConfigMap];

/// A directory with one file, `bundle.yaml`.
pub struct Place {
    way: Way,
    above: PathBuf,
    pub directory: PathBuf,
    next: AtomicU32,
}

impl Place {
    pub fn new(way: Way, text: &str) -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("reload-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let above = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        make(&above);
        let place = Place { way, directory: above.join("policy"), above, next: AtomicU32::new(0) };
        match way {
            Way::Link => place.change(text),
            _ => {
                make(&place.directory);
                place.change(text);
            }
        }
        if way == Way::ConfigMap {
            symlink("..data/bundle.yaml", place.directory.join("bundle.yaml")).unwrap();
        }
        place
    }

    /// A path next to the directory.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.above.join(name)
    }

    /// Puts `text` in the place of what is there.
    pub fn change(&self, text: &str) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = self.directory.join("bundle.yaml");
        match self.way {
            Way::InPlace => write(&file, text),
            Way::Renamed => {
                let new = self.directory.join(".bundle.yaml.new");
                write(&new, text);
                fs::rename(new, file).unwrap();
            }
            Way::Recreated => {
                let _ = fs::remove_file(&file);
                write(&file, text);
            }
            Way::Link => {
                let new = self.filled(&self.above.join(format!("v{number}")), text);
                swap_link(&new, &self.directory, &self.above.join("new"));
            }
            Way::Moved => {
                let new = self.filled(&self.above.join("next"), text);
                fs::rename(&self.directory, self.above.join(format!("old{number}"))).unwrap();
                fs::rename(new, &self.directory).unwrap();
            }
            Way::ConfigMap => {
                let new = self.filled(&self.directory.join(format!("..v{number}")), text);
                let name = PathBuf::from(new.file_name().unwrap());
                swap_link(&name, &self.directory.join("..data"), &self.directory.join("..data_tmp"));
            }
        }
    }

    fn filled(&self, directory: &Path, text: &str) -> PathBuf {
        make(directory);
        write(&directory.join("bundle.yaml"), text);
        directory.to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.above);
    }
}

/// Makes a link at `at` to `to`, in one step, whether or not there is one.
fn swap_link(to: &Path, at: &Path, new: &Path) {
    symlink(to, new).unwrap();
    fs::rename(new, at).unwrap();
}

fn make(directory: &Path) {
    fs::create_dir(directory).unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Writes a file that nobody else may write, whatever the umask.
pub fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}
