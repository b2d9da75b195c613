//! The words of the journal: ids, events per version, upcasts, codec; no behaviour.
