//! Decisions that were made before, by everything that they may rest on.
//!
//! A decision is a function of the bundle, the subject with the application that they come through, the route with what it
//! captured, the claims and the time. The bundle is that of the snapshot, which owns the cache: what is loaded anew begins
//! with an empty one. Subject, application, route and captures are the key, which is compared whole. Claims and time
//! cannot be a key, because they differ each time where the answer does not; so an entry tells which questions the
//! decision asked of the claims and what they answered, and between which instants it holds. Both must fit.

use crate::decision::{self, Considered, Decision, Edges};
use crate::policy::route::{Match, Requirement, Route};
use crate::policy::table::Id;
use crate::policy::{Bundle, Claims, DocumentAction, Principal};
use crate::time::Time;
use moka::sync::Cache;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Entries at the most, in one snapshot.
const ENTRIES_MAX: u64 = 10_000;

/// The longest key that is kept, in bytes: a caller chooses what a route captures, and must not choose how much memory
/// we spend on it.
const KEY_BYTES_MAX: usize = 256;

/// Decisions that cost more than a look-up: see `docs/caches.md`.
const COSTLY_FROM: usize = 8;

/// Which decisions are remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remember {
    /// None: to decide is cheaper than to remember, for almost every route.
    #[default]
    Off,
    /// Those of routes that ask many questions.
    Costly,
    /// All.
    All,
}

/// An answer, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The answer.
    pub decision: Decision,
    /// Where in the requirements it comes from.
    pub considered: Considered,
    /// Whether it was remembered; `None` where nobody looked.
    pub cached: Option<bool>,
}

impl Decided {
    /// As [`decision::decide_requirements`].
    pub(super) fn anew(
        bundle: &Bundle,
        matched: &Match<'_, '_>,
        principal: Principal<'_>,
        claims: &dyn Claims,
        now: Time,
    ) -> Decided {
        let (decision, considered) =
            decision::decide_requirements(bundle, matched, principal, Some(claims), now);
        Decided { decision, considered, cached: None }
    }
}

/// The decisions that one snapshot remembers.
pub(super) struct DecisionCache {
    which: Remember,
    edges: Edges,
    kept: Cache<Box<[u8]>, Kept>,
}

/// A decision and what it rests on beside its key.
#[derive(Clone)]
struct Kept {
    decision: Decision,
    considered: Considered,
    from: Time,
    valid_until: Time,
    /// Most decisions ask nothing of the claims.
    asked: Option<Arc<[Asked]>>,
}

impl DecisionCache {
    /// `None` where nothing is remembered.
    pub(super) fn of(bundle: &Bundle, which: Remember) -> Option<DecisionCache> {
        (which != Remember::Off).then(|| DecisionCache {
            which,
            edges: Edges::of(bundle),
            kept: Cache::new(ENTRIES_MAX),
        })
    }

    /// As [`decision::decide_requirements`]. What is kept holds until `expires` at the most, when the subject's token ends.
    pub(super) fn decide(
        &self,
        bundle: &Bundle,
        matched: &Match<'_, '_>,
        principal: Principal<'_>,
        claims: &dyn Claims,
        expires: Option<Time>,
        now: Time,
    ) -> Decided {
        // Of a credential a decision reads only whether it is suspended. What is suspended is never remembered, so the
        // key needs no credential, and a person's next token finds what the last one left.
        let wants = self.wants(matched.route()) && !bundle.suspends(principal);
        let key = wants.then(|| Key::of(matched, principal)).flatten();
        let Some(key) = key else {
            return Decided::anew(bundle, matched, principal, claims, now);
        };
        if let Some(kept) = self.kept.get(key.bytes()) {
            let asked = kept.asked.iter().flat_map(|asked| asked.iter());
            if kept.from <= now && now < kept.valid_until && asked.clone().all(|asked| asked.is_still(claims))
            {
                let Kept { decision, considered, .. } = kept;
                return Decided { decision, considered, cached: Some(true) };
            }
        }
        let listening = Listening { claims, asked: RefCell::default() };
        let Decided { decision, considered, .. } = Decided::anew(bundle, matched, principal, &listening, now);
        let (from, until) = self.edges.around(now);
        let valid_until = expires.map_or(until, |expires| until.min(expires));
        let asked = listening.asked.into_inner();
        let asked = (!asked.is_empty()).then(|| asked.into());
        self.kept.insert(key.bytes().into(), Kept { decision, considered, from, valid_until, asked });
        Decided { decision, considered, cached: Some(false) }
    }

    fn wants(&self, route: &Route) -> bool {
        match self.which {
            Remember::Off => false,
            Remember::All => !route.is_public(),
            Remember::Costly => cost(route) >= COSTLY_FROM,
        }
    }
}

impl fmt::Debug for DecisionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecisionCache").field("which", &self.which).finish_non_exhaustive()
    }
}

/// About how many questions a route asks, as far as the route alone tells.
fn cost(route: &Route) -> usize {
    let of_one = |requirement: &Requirement| match requirement {
        Requirement::Permission { .. } | Requirement::Sharing(_) => 1,
        Requirement::Condition { .. } | Requirement::Change { .. } => 2,
        Requirement::Document { action: DocumentAction::Share | DocumentAction::Transfer, .. } => 4,
        Requirement::Document { .. } => 2,
        Requirement::Any(alternatives) => alternatives.len(),
    };
    let of_all = |requirement: &Requirement| {
        // How long a list is, only the request knows.
        let items = if route.list_of(requirement).is_some() { COSTLY_FROM } else { 1 };
        items * of_one(requirement)
    };
    route.requirements().iter().map(of_all).sum()
}

/// Subject, application, route and captures, each with its length, so that no two requests have one key.
struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    length: usize,
}

impl Key {
    /// `None` where it would be too long.
    fn of(matched: &Match<'_, '_>, principal: Principal<'_>) -> Option<Key> {
        let mut key = Key { bytes: [0; KEY_BYTES_MAX], length: 0 };
        key.number(principal.subject.row())?;
        key.number(principal.through.map_or(0, |application| application.row() + 1))?;
        key.number(matched.id().row())?;
        for captured in matched.captures() {
            match captured {
                None => key.number(0)?,
                Some(text) => {
                    key.number(text.len() + 1)?;
                    key.push(text.as_bytes())?;
                }
            }
        }
        Some(key)
    }

    fn number(&mut self, number: usize) -> Option<()> {
        self.push(&u32::try_from(number).ok()?.to_le_bytes())
    }

    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length.checked_add(bytes.len())?;
        self.bytes.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A question to the claims, and what they answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Text(String, Option<String>),
    Flag(String, Option<bool>),
    Has(String, bool),
    IsWords(String, bool),
    Holds(String, String, bool),
}

impl Asked {
    /// Whether these claims answer the same.
    fn is_still(&self, claims: &dyn Claims) -> bool {
        match self {
            Asked::Text(name, answer) => claims.text(name) == answer.as_deref(),
            Asked::Flag(name, answer) => claims.flag(name) == *answer,
            Asked::Has(name, answer) => claims.has(name) == *answer,
            Asked::IsWords(name, answer) => claims.is_words(name) == *answer,
            Asked::Holds(name, word, answer) => claims.holds(name, word) == *answer,
        }
    }
}

/// Claims that write down what they are asked. A decision has no other way to them, so nothing it reads is left out.
struct Listening<'a> {
    claims: &'a dyn Claims,
    asked: RefCell<Vec<Asked>>,
}

impl Claims for Listening<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        let answer = self.claims.text(name);
        self.asked.borrow_mut().push(Asked::Text(name.to_owned(), answer.map(str::to_owned)));
        answer
    }

    fn flag(&self, name: &str) -> Option<bool> {
        let answer = self.claims.flag(name);
        self.asked.borrow_mut().push(Asked::Flag(name.to_owned(), answer));
        answer
    }

    fn has(&self, name: &str) -> bool {
        let answer = self.claims.has(name);
        self.asked.borrow_mut().push(Asked::Has(name.to_owned(), answer));
        answer
    }

    fn is_words(&self, name: &str) -> bool {
        let answer = self.claims.is_words(name);
        self.asked.borrow_mut().push(Asked::IsWords(name.to_owned(), answer));
        answer
    }

    fn holds(&self, name: &str, word: &str) -> bool {
        let answer = self.claims.holds(name, word);
        self.asked.borrow_mut().push(Asked::Holds(name.to_owned(), word.to_owned(), answer));
        answer
    }
}
