use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicU32, Ordering};

fn read(directory: &Path) -> io::Result<Vec<Source>> {
    FileSet::Directory(directory.to_owned()).read().map(|read| read.sources)
}

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("hallpass-directory-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Scratch(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
        self.mode(name, 0o644);
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn set(&self) -> FileSet {
        FileSet::Directory(self.0.clone())
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
    symlink("..2026_11_21", scratch.0.join("..data")).unwrap();
    symlink("..data/policy.yaml", scratch.0.join("policy.yaml")).unwrap();
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
fn says_of_a_directory_without_files_that_it_has_none() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.0.join("district")).unwrap();
    scratch.write(".hidden.yaml", "x");
    let bundle = FileSet::Bundle { directory: scratch.0.clone(), rosters: Vec::new() };
    let error = bundle.read().unwrap_err().to_string();
    assert!(error.contains("holds no files of a bundle"), "{error}");
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

#[test]
fn the_digest_is_of_names_and_bytes_and_of_nothing_else() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "x");
    let read = scratch.set().read().unwrap();
    scratch.mode("a.yaml", 0o600);
    let again = scratch.set().read().unwrap();
    assert_eq!(read.digest, again.digest);
    assert_ne!(read.state, again.state);
    fs::rename(scratch.0.join("a.yaml"), scratch.0.join("b.yaml")).unwrap();
    assert_ne!(scratch.set().read().unwrap().digest, read.digest);
}

#[test]
fn the_state_differs_when_a_file_is_exchanged_for_one_of_the_same_size_and_date() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "one");
    scratch.write(".new", "two");
    let before = scratch.set().state().unwrap();
    let date = fs::metadata(scratch.0.join("a.yaml")).unwrap().modified().unwrap();
    let new = File::options().write(true).open(scratch.0.join(".new")).unwrap();
    new.set_modified(date).unwrap();
    fs::rename(scratch.0.join(".new"), scratch.0.join("a.yaml")).unwrap();
    assert_ne!(scratch.set().state().unwrap(), before);
}

#[test]
fn refuses_what_group_or_others_may_write_and_says_what_to_do() {
    for mode in [0o664, 0o646, 0o666] {
        let scratch = Scratch::new();
        scratch.write("a.yaml", "a");
        scratch.set().read_guarded().unwrap();
        scratch.mode("a.yaml", mode);
        let error = scratch.set().read_guarded().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let text = error.to_string();
        assert!(
            text.contains(&format!("a.yaml` has mode {mode:o}")) && text.contains("chmod go-w"),
            "{text}"
        );
        // Who only reads does not mind.
        scratch.set().read().unwrap();
    }
}

#[test]
fn refuses_a_directory_that_group_or_others_may_write() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.0.join("..data")).unwrap();
    scratch.mode("..data", 0o755);
    scratch.write("..data/a.yaml", "a");
    symlink("..data/a.yaml", scratch.0.join("a.yaml")).unwrap();
    scratch.set().read_guarded().unwrap();
    scratch.mode("..data", 0o775);
    let text = scratch.set().read_guarded().unwrap_err().to_string();
    assert!(text.contains("..data` has mode 775"), "{text}");
    scratch.mode("..data", 0o755);
    scratch.mode(".", 0o777);
    scratch.set().read_guarded().unwrap_err();
}

#[test]
fn checks_a_file_that_a_link_leads_out_of_the_directory() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    other.write("real.yaml", "a");
    symlink(other.0.join("real.yaml"), scratch.0.join("a.yaml")).unwrap();
    scratch.set().read_guarded().unwrap();
    other.mode("real.yaml", 0o666);
    scratch.set().read_guarded().unwrap_err();
    other.mode("real.yaml", 0o644);
    other.mode(".", 0o777);
    scratch.set().read_guarded().unwrap_err();
}

#[test]
fn all_rosters_together_have_a_limit() {
    let scratch = Scratch::new();
    let mut left = 30;
    let mut read = |name: &str, bytes: usize| {
        fs::create_dir(scratch.0.join(name)).unwrap();
        scratch.write(&format!("{name}/users.csv"), &"x".repeat(bytes));
        let roster = RosterState::of(name.to_owned(), scratch.0.join(name));
        let read = roster.read(&scratch.0, true, &mut left);
        (read.files.map(|files| files.len()), left)
    };
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(read("a", 20), (Ok(1), 10));
    let (refused, left) = read("b", 11);
    assert!(refused.unwrap_err().contains("or all of them together"));
    // What is refused leaves room for the next.
    assert_eq!((read("c", 10), left), ((Ok(1), 0), 10));
}
