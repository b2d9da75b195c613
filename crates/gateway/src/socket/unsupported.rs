//! Systems without Unix sockets: nothing is served, and nobody is found.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::SocketError;

/// Stands for a connection; there never is one.
pub(crate) type Stream = tokio::io::DuplexStream;

/// Stands for a listener; there never is one.
pub(crate) struct Listener;

/// Stands for the file of a socket; there never is one.
#[derive(Debug)]
pub(crate) struct SocketFile;

pub(crate) fn bind(_path: &Path) -> Result<(Listener, SocketFile), SocketError> {
    Err(SocketError::Unsupported)
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Option<Stream>> {
        std::future::pending().await
    }
}

pub(crate) async fn connect(_path: &Path) -> io::Result<Stream> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn folder_path() -> PathBuf {
    std::env::temp_dir().join("lao")
}

/// The user's folder for sockets and locks.
pub fn runtime_folder() -> Result<PathBuf, SocketError> {
    let path = folder_path();
    match std::fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(SocketError::Folder { path, source }),
    }
}
