//! Paths that begin in the user's home.

use std::{env, path::PathBuf};

/// A path whose `~` at the beginning, alone or before a `/`, is the user's home. Any other path, and
/// every path of a user without a home, stays as it is; `~name` is an ordinary name.
pub fn expand_home(path: &str) -> PathBuf {
    let home = below_home(path).and_then(|below| Some(env::home_dir()?.join(below)));
    home.unwrap_or_else(|| PathBuf::from(path))
}

/// What a path names in the home folder, where it begins there.
pub(crate) fn below_home(path: &str) -> Option<&str> {
    if path == "~" { Some("") } else { path.strip_prefix("~/") }
}

#[cfg(test)]
mod tests {
    use std::{env, path::Path};

    use super::expand_home;

    #[test]
    fn only_a_tilde_of_its_own_is_the_home() {
        let home = env::home_dir().unwrap();
        assert_eq!(expand_home("~"), home);
        assert_eq!(expand_home("~/a/b"), home.join("a/b"));
        for path in ["a", "/a", "~a/b", "a/~/b", "./~", ""] {
            assert_eq!(expand_home(path), Path::new(path));
        }
    }
}
