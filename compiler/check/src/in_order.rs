//! Maps and sets that keep the order in which names were written, looked up by a quick hash: a program of a thousand maps looks up a hundred thousand names.

use foldhash::fast::RandomState;

/// Values by their names, in order.
pub(crate) type IndexMap<K, V> = indexmap::IndexMap<K, V, RandomState>;
/// Names, in order.
pub(crate) type IndexSet<T> = indexmap::IndexSet<T, RandomState>;
