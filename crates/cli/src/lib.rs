//! Arguments, rendering, exit codes and hints.
