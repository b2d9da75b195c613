//! Unix sockets in a folder that is the user's alone.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

use super::SocketError;

/// A connection.
pub(crate) type Stream = tokio::net::UnixStream;

/// The longest folder that leaves room for a socket's name: a path may have 104 bytes on the
/// strictest system, and a name has 27.
const FOLDER_BYTES_MAX: usize = 75;

/// Where sockets lie when every folder of the environment has too long a path.
const SHORT_FOLDER: &str = "/tmp";

/// A listening socket.
pub(crate) struct Listener(UnixListener);

/// The file of a socket; removed when dropped.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Tells our file from one that another process put in its place.
    inode: u64,
}

/// Listens. A socket that nobody listens on any more is replaced.
pub(crate) fn bind(path: &Path) -> Result<(Listener, SocketFile), SocketError> {
    if let Some(folder) = path.parent() {
        make_private(folder)?;
    }
    remove_stale(path)?;
    let failed = |source| SocketError::Listen { path: path.to_owned(), source };
    let listener = UnixListener::bind(path).map_err(failed)?;
    let inode = fs::symlink_metadata(path).map_err(failed)?.ino();
    let path = path.to_owned();
    Ok((Listener(listener), SocketFile { path, inode }))
}

impl Listener {
    /// Waits for a client; `None` is one of another user, who was turned away.
    pub(crate) async fn accept(&self) -> io::Result<Option<Stream>> {
        let (stream, _) = self.0.accept().await?;
        let is_ours =
            stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw());
        Ok(is_ours.then_some(stream))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode);
        if is_ours {
            // One that stays behind is found dead, and replaced by the next that listens.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Connects to whoever listens.
pub(crate) async fn connect(path: &Path) -> io::Result<Stream> {
    Stream::connect(path).await
}

fn remove_stale(path: &Path) -> Result<(), SocketError> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(SocketError::InUse { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => fs::remove_file(path)
            .map_err(|source| SocketError::Listen { path: path.to_owned(), source }),
    }
}

/// The folder for sockets, which need not exist.
pub(super) fn folder_path() -> PathBuf {
    folder_from(env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), &env::temp_dir())
}

fn folder_from(runtime: Option<PathBuf>, temporary: &Path) -> PathBuf {
    let fits = |folder: &PathBuf| folder.as_os_str().len() <= FOLDER_BYTES_MAX;
    let name = format!("lao-{}", rustix::process::getuid().as_raw());
    runtime
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("lao"))
        .filter(fits)
        .or_else(|| Some(temporary.join(&name)).filter(fits))
        .unwrap_or_else(|| Path::new(SHORT_FOLDER).join(&name))
}

/// The user's folder for sockets and locks, made when it is missing.
///
/// # Errors
///
/// It cannot be made, or somebody else could write into it.
pub fn runtime_folder() -> Result<PathBuf, SocketError> {
    let path = folder_path();
    make_private(&path)?;
    Ok(path)
}

/// Makes a folder that is the user's alone, and checks that it is.
fn make_private(path: &Path) -> Result<(), SocketError> {
    let failed = |source| SocketError::Folder { path: path.to_owned(), source };
    let made = DirBuilder::new().mode(0o700).recursive(true).create(path);
    made.map_err(failed)?;
    // Not followed: a link that somebody else put there leads to a folder of theirs.
    let folder = fs::symlink_metadata(path).map_err(failed)?;
    let is_ours = folder.uid() == rustix::process::getuid().as_raw();
    let for_others = folder.mode() & 0o077;
    if folder.is_dir() && is_ours && for_others == 0 {
        Ok(())
    } else {
        Err(SocketError::NotPrivate { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_folder_is_the_first_whose_path_is_short_enough() {
        let long = PathBuf::from(format!("/{}", "x".repeat(80)));
        let uid = rustix::process::getuid().as_raw();
        let short = Path::new("/var/tmp");
        let runtime = Some(PathBuf::from("/run/user/1000"));
        assert_eq!(folder_from(runtime, short), Path::new("/run/user/1000/lao"));
        let by_name = short.join(format!("lao-{uid}"));
        assert_eq!(folder_from(None, short), by_name);
        assert_eq!(folder_from(Some(long.clone()), short), by_name);
        assert_eq!(folder_from(Some("relative".into()), short), by_name);
        let last = PathBuf::from(format!("/tmp/lao-{uid}"));
        assert_eq!(folder_from(Some(long.clone()), &long), last);
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let open = root.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let refused = make_private(&open).unwrap_err();
        assert!(matches!(refused, SocketError::NotPrivate { .. }), "{refused}");

        let private = root.path().join("private");
        make_private(&private).unwrap();
        make_private(&private).unwrap();
        let link = root.path().join("link");
        symlink(&private, &link).unwrap();
        let refused = make_private(&link).unwrap_err();
        assert!(matches!(refused, SocketError::NotPrivate { .. }), "{refused}");
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lao").join("run.sock");
        let first = bind(&path).unwrap();
        let refused = bind(&path).err().unwrap();
        assert!(matches!(refused, SocketError::InUse { .. }), "{refused}");

        // What a killed process leaves: the file, and nobody behind it.
        let left = root.path().join("lao").join("left.sock");
        drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
        assert!(left.exists());
        let second = bind(&left).unwrap();
        assert!(connect(&left).await.is_ok());
        drop(second);
        assert!(!left.exists());
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn dropping_leaves_the_socket_of_another_process_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lao").join("run.sock");
        let bound = bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(bound);
        assert!(path.exists());
        drop(other);
    }
}
