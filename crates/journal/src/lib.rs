//! The durable log of one run: append, read, blobs, check; knows headers and bytes, not what events mean.
