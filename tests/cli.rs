//! What `lao` says: every command of the real binary, typed in an emptied environment.
//!
//! Each test is a story of commands; its snapshot in `cli/snapshots` holds what they printed and
//! how they ended. `cargo insta review`, or `INSTA_UPDATE=always`, accepts a change.

#![cfg(unix)]

#[cfg(test)]
#[path = "support"] // rustfmt would look beside the modules of this harness
mod support {
    pub(crate) mod brain;
    pub(crate) mod demo;
    pub(crate) mod gate;
    pub(crate) mod live;
    pub(crate) mod sandbox;
    pub(crate) mod server;
    pub(crate) mod signals;
}

#[cfg(test)]
mod cli {
    mod demo;
    mod diff;
    mod exit_codes;
    mod flows_apart;
    mod fork;
    mod journals;
    mod json;
    mod live;
    mod plans;
    mod portable;
    mod project;
    mod replay;
    mod scenarios;
    mod servers;
    mod simple;
    mod torn;
    mod transcript;
    mod travel;
    mod upkeep;
    mod waiting;
    mod workflows;
}
