//! The commands: each takes its arguments, does its work and shows its result.

pub(crate) mod act;
pub(crate) mod blame;
pub(crate) mod chain;
pub(crate) mod checkout;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod flow;
pub(crate) mod fork;
pub(crate) mod graph;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod journal;
pub(crate) mod look;
pub(crate) mod models;
pub(crate) mod new;
pub(crate) mod prune;
pub(crate) mod reask;
pub(crate) mod replay;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod travel;
pub(crate) mod watch;
