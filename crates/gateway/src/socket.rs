//! The socket of a run: where it lies and who may use it.
//!
//! Sockets lie in a folder of the user's own, not beside the journal, since the path of a socket
//! may have about a hundred bytes only. Only processes of the same user can reach it: the folder is
//! theirs alone, and the peer's user is asked for on every connection.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;
#[cfg(not(unix))]
mod unsupported;
#[cfg(not(unix))]
use unsupported as platform;

use std::{io, path::PathBuf};

use lao_event::RunId;

pub use platform::runtime_folder;
pub(crate) use platform::{Listener, SocketFile, Stream, bind, connect};

/// A socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The system has no local sockets that this program knows.
    #[error(
        "local sockets are not supported on this system: a run can only be watched by its own process"
    )]
    Unsupported,
    /// The folder for sockets cannot be made or read.
    #[error("cannot use the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder for sockets is not the user's own.
    #[error("{} is not a folder that is yours alone (mode 0700): remove it, or set XDG_RUNTIME_DIR", path.display())]
    NotPrivate {
        /// The folder.
        path: PathBuf,
    },
    /// Another process listens there.
    #[error("another process listens on {}", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("cannot listen on {}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Where the socket of a run lies; the folder is made when the run is served.
pub fn socket_path(run: &RunId) -> PathBuf {
    platform::folder_path().join(format!("{run}.sock"))
}
