//! The mistakes found so far.

use super::{Source, Span};
use crate::policy::counted;
use crate::policy::diagnostic::{Diagnostic, Place, Severity};

/// How many errors, and how many warnings, are kept; the rest is counted.
const KEPT_MAX: usize = 1_000;

/// Collects diagnostics and knows the names of the files.
#[derive(Debug)]
pub struct Diags {
    files: Vec<String>,
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    /// Takes what is not kept any more, so that a caller can always add its help.
    spill: Diagnostic,
}

impl Diags {
    /// No mistakes yet in these files; [`Span::file`] is an index into them.
    pub fn new(sources: &[Source]) -> Diags {
        Diags::of_names(sources.iter().map(|source| source.name.clone()).collect())
    }

    /// The same, where only the names are known.
    pub fn of_names(files: Vec<String>) -> Diags {
        let nowhere = Place { file: String::new(), line: 1, column: 1, length: 1 };
        let spill = diagnostic(Severity::Error, nowhere, "", String::new());
        Diags { files, kept: Vec::new(), errors: 0, warnings: 0, spill }
    }

    /// A mistake that keeps the bundle from loading. Its help and its other places can be added to what is returned.
    pub fn error(&mut self, span: Span, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.errors = self.errors.saturating_add(1);
        let keep = self.errors <= KEPT_MAX;
        self.push(Severity::Error, span, code, message.into(), keep)
    }

    /// Something that should be looked at.
    pub fn warning(&mut self, span: Span, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.warnings = self.warnings.saturating_add(1);
        let keep = self.warnings <= KEPT_MAX;
        self.push(Severity::Warning, span, code, message.into(), keep)
    }

    /// A span with the name of its file.
    pub fn place(&self, span: Span) -> Place {
        let file = usize::try_from(span.file).ok().and_then(|file| self.files.get(file));
        Place {
            file: file.cloned().unwrap_or_default(),
            line: span.line,
            column: span.column,
            length: span.length.max(1),
        }
    }

    /// Whether the bundle cannot load.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors were found, kept or not: compare before and after to know whether a part went well.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Whether further errors are only counted, so that costly help need not be worked out.
    pub fn is_full(&self) -> bool {
        self.errors >= KEPT_MAX
    }

    /// Everything, by file, line, column and severity. What was not kept is counted in a last `too_many`.
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut all = self.kept;
        all.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.place.line, d.place.column, d.severity);
            a.place.file.cmp(&b.place.file).then_with(|| key(a).cmp(&key(b)))
        });
        all.dedup();
        let errors = self.errors.saturating_sub(KEPT_MAX);
        let warnings = self.warnings.saturating_sub(KEPT_MAX);
        for (severity, rest, what) in
            [(Severity::Warning, warnings, "warning"), (Severity::Error, errors, "error")]
        {
            if rest == 0 {
                continue;
            }
            let Some(last) = all.iter().rfind(|d| d.severity == severity) else { continue };
            let place = Place { length: 1, ..last.place.clone() };
            let message = format!("{} not shown", counted(rest, &format!("more {what}")));
            let mut closing = diagnostic(severity, place, "too_many", message);
            closing.help("mend the first ones and check again");
            all.push(closing);
        }
        all
    }

    fn push(
        &mut self,
        severity: Severity,
        span: Span,
        code: &'static str,
        message: String,
        keep: bool,
    ) -> &mut Diagnostic {
        if keep {
            let place = self.place(span);
            self.kept.push(diagnostic(severity, place, code, message));
            if let Some(last) = self.kept.last_mut() {
                return last;
            }
        }
        self.spill.also.clear();
        &mut self.spill
    }
}

fn diagnostic(severity: Severity, place: Place, code: &'static str, message: String) -> Diagnostic {
    Diagnostic { severity, code, place, message, help: None, also: Vec::new() }
}
