//! The kernel under a made-up world: properties, lives worth a test of their own, prompts, scale.

mod answers;
mod choices;
mod effects;
mod fuzz;
mod lives;
mod plans;
mod prompts;
mod properties;
mod replies;
mod rules;
mod scale;
mod setup;
mod world;
