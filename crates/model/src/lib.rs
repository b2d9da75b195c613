//! Adapters to model servers, and the scripted model; knows nothing of runs.
