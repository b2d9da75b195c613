//! A folder held open, whose entries are reached by name only and never through a link.
//!
//! Between checking a path and using it somebody may put a link in its place. Every step from
//! the workspace's root to a file is therefore taken again when the file is opened, from one
//! open folder to the next, and a link on the way is an error.

use std::path::PathBuf;

#[cfg(any(not(unix), test))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::Folder;
#[cfg(unix)]
pub(crate) use unix::Folder;

/// What a name in a folder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nothing.
    Absent,
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link with its target as it is written.
    Link(PathBuf),
    /// A pipe, a socket, a device.
    Other,
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read, Write},
        os::unix::fs::symlink,
    };

    use super::{Entry, portable, unix};

    macro_rules! same_behaviour {
        ($name:ident, $folder:ty) => {
            #[test]
            fn $name() {
                let place = tempfile::tempdir().unwrap();
                let outside = tempfile::tempdir().unwrap();
                fs::write(outside.path().join("secret"), "s").unwrap();
                symlink(outside.path(), place.path().join("away")).unwrap();
                symlink(outside.path().join("secret"), place.path().join("leak")).unwrap();

                let root = <$folder>::open(place.path()).unwrap();
                let sub = root.make("sub").unwrap();
                root.make("sub").unwrap();
                sub.create_file("a").unwrap().write_all(b"text").unwrap();
                assert!(sub.create_file("a").is_err());
                sub.rename("a", "b").unwrap();
                sub.sync().unwrap();
                let mut text = String::new();
                sub.open_file("b").unwrap().read_to_string(&mut text).unwrap();
                assert_eq!(text, "text");
                assert_eq!(sub.names().unwrap(), ["b"]);
                assert_eq!(sub.entry("a").unwrap(), Entry::Absent);
                assert_eq!(sub.entry("b").unwrap(), Entry::File);
                assert_eq!(root.entry("sub").unwrap(), Entry::Folder);
                assert_eq!(root.entry("away").unwrap(), Entry::Link(outside.path().to_owned()));
                sub.remove_file("b").unwrap();
                assert_eq!(sub.entry("b").unwrap(), Entry::Absent);

                assert!(root.enter("away").is_err(), "entered through a link");
                assert!(root.make("away").is_err(), "made through a link");
                assert!(root.open_file("leak").is_err(), "opened through a link");
                assert!(root.create_file("leak").is_err(), "created through a link");
            }
        };
    }

    same_behaviour!(unix_folder, unix::Folder);
    same_behaviour!(portable_folder, portable::Folder);
}
