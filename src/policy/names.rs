//! Maps that requests look names up in.

use std::collections::HashMap;

/// A map by names, with a hash that is quicker than the standard one and not meant to withstand whoever chooses the keys.
/// It need not: keys come from the bundle and its rosters alone. A caller who knows of names that collide could only ask for
/// them, and finds the keys that are there.
pub(super) type NameMap<V> = HashMap<Box<str>, V, foldhash::fast::RandomState>;
