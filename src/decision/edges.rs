//! When answers may change though nothing is loaded: the instants at which something begins or ends.

use crate::policy::Bundle;
use crate::policy::condition::Condition;
use crate::policy::route::Requirement;
use crate::time::Time;
use std::time::Duration;

/// Every instant at which a dated fact of a bundle begins or ends, or a condition compares the time with. Between two of
/// them the time changes no answer.
///
/// They are those of everybody, not only of the subject: an answer may rest on the dates of people whom the request
/// names, and what is asked of them is the policy's to say. School dates fall on few days, so there are few.
#[derive(Debug)]
pub struct Edges(Vec<Time>);

impl Edges {
    /// Those of a bundle.
    pub fn of(bundle: &Bundle) -> Edges {
        let mut edges: Vec<Time> = Vec::new();
        edges.extend(bundle.all_assignments().flat_map(|(_, held)| [held.from, held.until]));
        // Blocks are those of the bundle as it is in force, with what holds people off beside it.
        let blocks = bundle.held_off().blocks().iter().map(|block| block.span);
        edges.extend(bundle.relations().spans().chain(blocks).flat_map(|span| [span.from, span.until]));
        edges.extend(bundle.stage_edges());
        edges.extend(bundle.freshness().iter().flat_map(|roster| roster.edges()));
        // `before` changes at the instant itself, `after` right behind it.
        let mut compared = |time: Time| edges.extend([time, time.plus(Duration::from_micros(1))]);
        for requirement in bundle.routes().iter().flat_map(|route| route.requirements()) {
            let single = std::slice::from_ref(requirement);
            let alternatives = match requirement {
                Requirement::Any(alternatives) => alternatives.as_slice(),
                _ => single,
            };
            for alternative in alternatives {
                if let Requirement::Condition { condition, .. } = alternative {
                    times(condition, &mut compared);
                }
            }
        }
        edges.sort_unstable();
        edges.dedup();
        Edges(edges)
    }

    /// The span around `now` in which the time changes no answer: from the first instant, to before the second.
    pub fn around(&self, now: Time) -> (Time, Time) {
        let next = self.0.partition_point(|edge| *edge <= now);
        let from = next.checked_sub(1).and_then(|at| self.0.get(at));
        (from.copied().unwrap_or(Time::MIN), self.0.get(next).copied().unwrap_or(Time::MAX))
    }
}

/// The instants that a condition compares something with.
fn times(condition: &Condition, found: &mut impl FnMut(Time)) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| times(part, found)),
        Condition::Not(part) => times(part, found),
        Condition::Compare(_, _, operand) => operand.times().for_each(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_holds_its_first_instant_and_not_its_last() {
        let at = Time::from_unix_seconds;
        let edges = Edges(vec![at(10), at(20)]);
        let before = |time: Time| Time::from_unix_micros(time.unix_micros() - 1);
        assert_eq!(edges.around(before(at(10))), (Time::MIN, at(10)));
        assert_eq!(edges.around(at(10)), (at(10), at(20)));
        assert_eq!(edges.around(before(at(20))), (at(10), at(20)));
        assert_eq!(edges.around(at(20)), (at(20), Time::MAX));
    }
}
