//! How runs differ: nothing where nothing does, the same from either side, and found where it is.

#[cfg(test)]
mod runs;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod texts;
