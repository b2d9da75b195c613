//! What an append costs beside bare redb.

fn main() {}
