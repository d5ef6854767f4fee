//! `hallpass check` by the front door.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory of its own.
pub(crate) fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{}-{name}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    path
}

/// Checks what lies there, with more arguments.
pub(crate) fn check(directory: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.arg("check").arg(directory).args(more).env("NO_COLOR", "1").output().unwrap()
}

/// What was said of it.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
