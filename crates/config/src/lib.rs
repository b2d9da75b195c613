//! lao.toml to validated settings with the source of each value; no IO.
//!
//! Text in, settings out: the caller reads the files and the environment, [`Config::load`]
//! lays the layers over each other (built-in, user, project, environment, command line),
//! checks every key against the one table in [`schema`], and reports everything that is
//! wrong at once, each with its place and its cure.
//!
//! The settings of a run itself are the types that the journal keeps (`lao_event::Settings`),
//! so that there is one vocabulary; [`Config::run_settings`] puts them together.
//!
//! Deliberately absent: file access, environment access, floats (decimal settings are whole
//! thousandths), and any default that is not in the table.

mod assign;
mod build;
mod command;
mod decimal;
mod endpoint;
mod environment;
mod layer;
mod nearest;
mod problem;
pub mod schema;
mod settings;
mod source;
mod template;
mod value;

pub use assign::{FoundModel, RoleChoice, assign_roles};
pub use endpoint::{AllowedHost, EndpointError, LocalEndpoint};
pub use layer::{FileLayer, Layers};
pub use problem::{ConfigError, Fault, Problem};
pub use settings::{
    Config, Endpoint, FILE_PLACEHOLDER, Network, Orchestration, Paths, Retention, Secrets,
    ServerKind, Setting, Target, Tools,
};
pub use source::{FileOrigin, Source};
pub use template::{Detected, DetectedEndpoint, template};
