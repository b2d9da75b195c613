//! lao.toml to validated settings with the source of each value; no IO.
