//! Workflows in the kernel: properties of generated ones in made-up worlds, and their scale.

mod flow {
    #[path = "../suite/choices.rs"]
    pub(crate) mod choices;
    pub(crate) mod graphs;
    pub(crate) mod world;

    mod lives;
    mod properties;
    mod scale;
}
