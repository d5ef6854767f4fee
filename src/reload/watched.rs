//! One target, and what was last seen of its files.

use super::files::State;
use super::{Loaded, Mistakes, Progress, Read, Rejected, Target};
use crate::time::Time;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often a load is given up for a newer change before one is brought to its end: what never comes to rest must
/// not keep everything out.
const GIVEN_UP_MAX: u32 = 3;

/// As many links in a row as Linux follows.
const LINKS_MAX: u32 = 40;

/// A target, and what was last seen of its files.
pub struct Watched {
    target: Box<dyn Target>,
    progress: Arc<Progress>,
    /// The state of the files that were last read and judged.
    judged: Option<State>,
    /// The same, once it was found twice. Time stamps count in ticks of the kernel or even in seconds, so that a write
    /// right behind the one that was read leaves no trace: files are read once more before they are believed to rest.
    /// `None`: read at the next look, whatever the file system says.
    at_rest: Option<State>,
    /// The digest of the files that are in force, and what else that judgement depended on.
    in_force: Option<(String, u64)>,
    /// What of those files is not in force.
    left_out: Option<Mistakes>,
    /// The same of files that were rejected.
    rejected: Option<(String, u64)>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("files", self.target.files()).finish_non_exhaustive()
    }
}

impl Watched {
    /// A target whose files were not read yet.
    pub fn new(target: impl Target + 'static, progress: Arc<Progress>) -> Watched {
        Watched {
            target: Box::new(target),
            progress,
            judged: None,
            at_rest: None,
            in_force: None,
            left_out: None,
            rejected: None,
        }
    }

    /// Whether its target may take long, so that others must not wait for it.
    pub(super) fn may_take_long(&self) -> bool {
        self.target.may_take_long()
    }

    /// How it goes.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Reads and loads for the first time.
    ///
    /// # Errors
    /// Why there is nothing in force, for a person to read. What was left out of what is in force is no error; the
    /// status has it.
    pub fn load_first(&mut self, now: Time) -> Result<(), Mistakes> {
        self.look(now);
        match self.progress.status().failure {
            Some(failure) if self.in_force.is_none() => {
                Err(Mistakes { text: failure.text, diagnostics: failure.diagnostics })
            }
            _ => Ok(()),
        }
    }

    /// Looks whether the files have changed, and loads them if so. Cheap if not.
    pub fn look(&mut self, now: Time) {
        self.target.tidy();
        let on = self.target.depends_on();
        let outdated = self.rejected.iter().chain(&self.in_force).any(|(_, then)| *then != on);
        let state = self.target.files().state();
        if !outdated && self.at_rest.is_some() && state.as_ref().ok() == self.at_rest.as_ref() {
            return;
        }
        self.at_rest = None;
        for given_up in 0..=GIVEN_UP_MAX {
            match self.target.files().read_guarded() {
                Ok(read) => {
                    if self.judge(read, now, given_up < GIVEN_UP_MAX) {
                        return;
                    }
                    // It has changed meanwhile.
                    self.progress.counts().superseded.add();
                }
                Err(error) => {
                    // Whatever was rejected before is judged anew when it can be read again.
                    (self.judged, self.rejected) = (None, None);
                    return self.fail(Mistakes::new(format!("{error}\n")), None, true, now);
                }
            }
        }
    }

    /// What to say of a panic: a bug, but one that must not end the reloading of everything else.
    pub(super) fn panicked(&mut self, what: &str, now: Time) {
        (self.judged, self.at_rest) = (None, None);
        self.fail(Mistakes::new(format!("a bug: loading panicked: {what}\n")), None, true, now);
    }

    /// Judges what was read; says whether it came to that.
    fn judge(&mut self, read: Read, now: Time, may_give_up: bool) -> bool {
        let (state, digest) = (read.state.clone(), read.digest.clone());
        let key = Some((digest.clone(), self.target.depends_on()));
        if self.rejected == key {
            self.settle(state);
            return true;
        }
        if self.in_force == key {
            self.rejected = None;
            let failed = self.progress.status().failure.is_some();
            let news = self.progress.unchanged(&digest, self.left_out.as_ref(), now);
            self.tell_left_out(news);
            if failed && self.left_out.is_none() {
                let what = self.progress.status().name;
                tracing::info!(what, "the files are again those that are in force");
            }
            self.settle(state);
            return true;
        }
        let known = self.in_force.as_ref().is_some_and(|(known, _)| *known == digest);
        let files = self.target.files().clone();
        let stale = || may_give_up && files.state().ok().as_ref() != Some(&state);
        match self.target.load(read, now, &stale) {
            Ok(Loaded { revision, left_out }) => {
                (self.in_force, self.rejected, self.left_out) = (key, None, left_out);
                let left_out = self.left_out.as_ref();
                let news = match known {
                    true => self.progress.unchanged(&digest, left_out, now),
                    false => self.progress.loaded(revision, &digest, left_out, now),
                };
                self.tell_left_out(news);
                self.settle(state);
            }
            Err(Rejected::Mistakes(mistakes)) => {
                self.rejected = key;
                self.fail(mistakes, Some(digest), false, now);
                self.settle(state);
            }
            Err(Rejected::Environment(text)) => {
                self.rejected = None;
                self.fail(Mistakes::new(text), Some(digest), true, now);
            }
            Err(Rejected::Stale) => return false,
        }
        true
    }

    fn settle(&mut self, state: State) {
        if self.judged.as_ref() == Some(&state) {
            self.at_rest = self.judged.take();
        }
        self.judged = Some(state);
    }

    /// Says what of the files is not in force, when that is news.
    fn tell_left_out(&self, news: bool) {
        if let (true, Some(left_out)) = (news, &self.left_out) {
            let what = self.progress.status().name;
            tracing::error!(what, "in force, but not all of it: {}", left_out.text.trim_end());
        }
    }

    fn fail(&self, mistakes: Mistakes, digest: Option<String>, retried: bool, now: Time) {
        let text = mistakes.text.clone();
        let news = self.progress.failed(mistakes, digest, retried, now);
        // At the start nothing is in force yet, and whoever starts says why.
        if news && self.in_force.is_some() {
            let name = self.progress.status().name;
            tracing::error!(
                what = name,
                retried,
                "not loaded, what was in force stays so: {}",
                text.trim_end()
            );
        }
    }

    /// Directories in which a change may be a change of these files, with all links resolved.
    pub(super) fn places(&self) -> BTreeSet<PathBuf> {
        let mut places = BTreeSet::new();
        let mut add = |path: Option<&Path>| places.extend(path.and_then(|path| path.canonicalize().ok()));
        for path in self.target.files().paths() {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            // The directory itself, and the one in which it, or a link to it, is exchanged.
            add(Some(path.as_path()).filter(|path| path.is_dir()));
            add(path.parent());
            let mut link = path.clone();
            for _ in 0..LINKS_MAX {
                let Ok(target) = std::fs::read_link(&link) else { break };
                link = link.parent().unwrap_or(Path::new("/")).join(target);
                add(link.parent());
            }
        }
        if let Ok(state) = self.target.files().state() {
            for path in state.paths() {
                add(Some(path).filter(|path| path.is_dir()));
                add(path.parent());
            }
        }
        places
    }
}
