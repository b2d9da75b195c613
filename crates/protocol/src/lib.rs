//! What clients may say and hear: requests, updates and views; depends on no other crate of ours.
