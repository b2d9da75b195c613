//! The pure core: decide, evolve, outstanding, prompt assembly; no IO, no async, no clock, no randomness.
