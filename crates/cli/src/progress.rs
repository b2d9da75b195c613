//! What a run is doing, while it is doing it.
