//! What the runtime asks of the world: model, tools, checks, repository, clock; no implementation.
