//! From the table to the families of the `prometheus` crate.

use super::table::Family;
use prometheus::core::Collector;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, Result};

/// Makes and registers families. A family without a label is one with an empty list of them: it is shown from its
/// first handle on, like the others.
pub(super) struct Builder<'r>(pub(super) &'r Registry);

impl Builder<'_> {
    pub(super) fn counters(&self, family: &Family) -> Result<IntCounterVec> {
        self.register(IntCounterVec::new(Opts::new(family.name, family.help), &labels(family))?)
    }

    pub(super) fn gauges(&self, family: &Family) -> Result<IntGaugeVec> {
        self.register(IntGaugeVec::new(Opts::new(family.name, family.help), &labels(family))?)
    }

    fn register<C: Collector + Clone + 'static>(&self, family: C) -> Result<C> {
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }
}

fn labels(family: &Family) -> Vec<&'static str> {
    family.labels.iter().map(|label| label.name).collect()
}
