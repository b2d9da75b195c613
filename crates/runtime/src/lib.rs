//! The actors that drive a run: journal first, then act.
