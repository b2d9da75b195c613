//! Built-in tools, trust gate, sandboxed paths and deterministic checks.
