//! The bundle that the tests of the proxy run with: one public subtree, one class, and one page told apart by its query.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

const BUNDLE: &str = r#"
bundle: {name: proxy-tests, time_zone: Europe/Berlin}
issuers:
  gateway: {claim: sub, matches: id}
domains:
  toddle:
    precedence: most_specific
    levels: [account, class]
    same_scope: error
    scopes:
      account/springfield:
        class/1A:
        class/1B:
    modules:
      attendance:
        level: class
        permissions: {view: {}, mark: {requires: [attendance.view]}}
    roles:
      class_teacher: {level: class, grants: {attendance: all}}
people:
  ari: {kinds: [staff], email: ari@school.example}
  sam: {kinds: [student], email: sam@school.example}
assignments:
  - {subject: ari, role: class_teacher, scope: class/1A, from: 2026-08-01, until: 2027-07-31}
routes:
  "GET /open/{rest...}": public
  "POST /open/{rest...}": public
  "PUT /open/{rest...}": public
  "GET /open/staff": {permission: attendance.view, on: class/1A}
  "GET /open/rooms/": {permission: attendance.view, on: class/1A}
  "GET /classes/{class}/attendance": {permission: attendance.view, on: "class/{class}"}
  "POST /classes/{class}/attendance": {permission: attendance.mark, on: "class/{class}"}
  "DELETE /classes/{class}/hidden":
    conceal: true
    require:
      - {permission: attendance.mark, on: "class/{class}"}
  "GET /Modules.php?modname=Attendance&class={class}": {permission: attendance.view, on: "class/{class}"}
  "POST /Modules.php?modname=Attendance&class={class}": {permission: attendance.mark, on: "class/{class}"}
"#;

/// Where it is. Written once for a test binary, and left for the system to clear away.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("proxy-bundle-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("bundle.yaml"), BUNDLE).unwrap();
        // Whatever the umask: what others may write is refused.
        only_ours(&path, 0o755);
        only_ours(&path.join("bundle.yaml"), 0o644);
        path
    })
}

/// A copy of a bundle directory that nobody else may write, whatever the mode of a checked-out file is.
pub fn copy_of(directory: &Path) -> PathBuf {
    let name = directory.file_name().unwrap().to_str().unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("copy-{name}-{}", std::process::id()));
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap();
    if !path.exists() {
        fs::create_dir(&path).unwrap();
        only_ours(&path, 0o755);
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let copy = path.join(entry.file_name());
            fs::copy(entry.path(), &copy).unwrap();
            only_ours(&copy, 0o644);
        }
    }
    path
}

/// Gives a file or directory a mode.
pub fn only_ours(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
