//! Scripted world and crashing storage for tests; a dev-dependency only.

pub mod openai_server;
