//! Runs looked at afterwards: a run is data that can be derived again, compared and branched.
//!
//! Deliberately absent: actors, models, tools, the clock, and any write to a run that exists.
