//! The whole of it over a real socket: the binary, its settings, tools, checks and git on one side,
//! a server that speaks the models' protocol honestly on the other.

#![cfg(unix)]

#[cfg(test)]
#[path = "support"] // rustfmt would look beside the modules of this harness
mod support {
    pub(crate) mod brain;
    pub(crate) mod gate;
    pub(crate) mod live;
    pub(crate) mod sandbox;
    pub(crate) mod server;
}

#[cfg(test)]
mod end_to_end {
    mod away;
    mod clock;
    mod local;
    mod parallel;
    mod real;
    mod secrets;
    mod wire;
    mod world;
}
