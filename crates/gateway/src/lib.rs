//! Serves the protocol over the run's local socket; the only place that converts events to updates.
