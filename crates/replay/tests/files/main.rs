//! Files as they were, and their authors, of journals that are made up event by event.

#[cfg(test)]
mod made_up;
