//! Models that come in, and workers that do everything wrong.

mod model_files;
mod store;
mod support;
mod workers;
