//! The real worker with a tiny model, from the outside.

mod alone;
mod supervised;
mod support;
