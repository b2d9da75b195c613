//! Portable runs: files that no export wrote, and bytes that are none.

#[cfg(test)]
mod crafted;
#[cfg(test)]
mod fuzz;
