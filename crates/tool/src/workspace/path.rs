//! Paths inside a workspace: parsed once, with every link on the way resolved.

use std::{
    collections::VecDeque,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{TEMP_PREFIX, Workspace};

/// Folders that belong to git and to LAO, wherever they lie.
const RESERVED: [&str; 2] = [".git", ".lao"];

/// The most links that are followed for one path, as on Linux.
const LINKS_MAX: usize = 40;

/// A path below a workspace's root: no link, no `..`, nothing reserved.
///
/// Shown with `/` between the parts, on every platform; the root itself is `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspacePath {
    parts: Vec<String>,
    through_link: bool,
}

impl WorkspacePath {
    /// The last part; `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.parts.last().map(String::as_str)
    }

    /// The parts before the last.
    pub(crate) fn parent_parts(&self) -> &[String] {
        self.parts.split_last().map_or(&[], |(_, parents)| parents)
    }

    /// Whether the path that was asked for led through a symbolic link.
    pub fn is_through_link(&self) -> bool {
        self.through_link
    }
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parts.is_empty() { f.write_str(".") } else { f.write_str(&self.parts.join("/")) }
    }
}

/// Why a text is not the path of something in the workspace.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// There is no text.
    #[error("the path is empty; give one relative to the workspace")]
    Empty,
    /// A NUL character.
    #[error("the path {asked:?} contains a NUL character")]
    Nul {
        /// The path as it was asked for.
        asked: String,
    },
    /// Absolute, with a drive, or in the home folder.
    #[error("{asked:?} is not relative to the workspace; give a path such as src/main.py")]
    NotRelative {
        /// The path as it was asked for.
        asked: String,
    },
    /// `..` leads out.
    #[error("{asked:?} leads out of the workspace; only files inside it can be used")]
    Outside {
        /// The path as it was asked for.
        asked: String,
    },
    /// A link leads out.
    #[error("{asked:?} leads out of the workspace through the symbolic link {link:?}")]
    LinkOutside {
        /// The path as it was asked for.
        asked: String,
        /// The link, relative to the workspace.
        link: String,
    },
    /// Links that lead to each other.
    #[error("{asked:?} leads through too many symbolic links")]
    LinkLoop {
        /// The path as it was asked for.
        asked: String,
    },
    /// In `.git`, in `.lao`, or a file that is being written.
    #[error("{asked:?} is out of bounds: {name:?} belongs to git or to LAO")]
    Reserved {
        /// The path as it was asked for.
        asked: String,
        /// The part that is reserved.
        name: String,
    },
    /// A link's target is not UTF-8.
    #[error("{asked:?} leads to a name that is not UTF-8")]
    NotText {
        /// The path as it was asked for.
        asked: String,
    },
    /// The file system refused to say.
    #[error("{asked:?} cannot be looked at: {source}")]
    Unreadable {
        /// The path as it was asked for.
        asked: String,
        /// Why.
        source: io::Error,
    },
    /// The workspace is not there.
    #[error("the workspace folder {root:?} cannot be opened: {source}")]
    RootMissing {
        /// The folder.
        root: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PathError {
    /// The rule that forbids such a path; `None` where it is only malformed or unreadable.
    pub fn rule(&self) -> Option<&'static str> {
        match self {
            Self::NotRelative { .. } | Self::Outside { .. } | Self::LinkOutside { .. } => {
                Some("paths-inside-workspace")
            }
            Self::Reserved { .. } => Some("paths-not-reserved"),
            Self::Empty
            | Self::Nul { .. }
            | Self::LinkLoop { .. }
            | Self::NotText { .. }
            | Self::Unreadable { .. }
            | Self::RootMissing { .. } => None,
        }
    }
}

impl Workspace {
    /// Resolves a path that a model or a plan gave. Nothing needs to exist at its end.
    ///
    /// `\` separates parts as `/` does. An absolute path is accepted only where it begins with
    /// the workspace's own, as paths in a program's output do.
    ///
    /// # Errors
    /// A [`PathError`] that names the path and what is wrong with it.
    pub fn path(&self, asked: &str) -> Result<WorkspacePath, PathError> {
        let mut resolution = Resolution {
            workspace: self,
            asked,
            stack: Vec::new(),
            pending: self.relative_parts(asked)?,
            links: 0,
        };
        while let Some(part) = resolution.pending.pop_front() {
            match part.as_str() {
                "" | "." => {}
                ".." => resolution.go_up()?,
                _ => resolution.go_down(part)?,
            }
        }
        let path = WorkspacePath { parts: resolution.stack, through_link: resolution.links > 0 };
        // What is left of it, such as of `./~`, must not be read in another way the next time.
        if leads_home_or_to_a_drive(&path.to_string()) {
            return Err(PathError::NotRelative { asked: asked.to_owned() });
        }
        Ok(path)
    }

    fn relative_parts(&self, asked: &str) -> Result<VecDeque<String>, PathError> {
        if asked.trim().is_empty() {
            return Err(PathError::Empty);
        }
        let asked_owned = || asked.to_owned();
        if asked.contains('\0') {
            return Err(PathError::Nul { asked: asked_owned() });
        }
        let not_relative = || PathError::NotRelative { asked: asked_owned() };
        let slashed = asked.replace('\\', "/");
        if leads_home_or_to_a_drive(&slashed) {
            return Err(not_relative());
        }
        if !slashed.starts_with('/') {
            return Ok(split(&slashed));
        }
        let below = self.below_root(Path::new(&slashed)).ok_or_else(not_relative)?;
        Ok(split(below.to_str().ok_or_else(not_relative)?))
    }

    /// The rest of an absolute path that begins with the workspace's root.
    fn below_root<'a>(&self, absolute: &'a Path) -> Option<&'a Path> {
        let real = self.real_root().ok()?;
        absolute.strip_prefix(real).or_else(|_| absolute.strip_prefix(&self.root)).ok()
    }
}

fn leads_home_or_to_a_drive(slashed: &str) -> bool {
    has_drive(slashed) || slashed == "~" || slashed.starts_with("~/")
}

/// A path on its way from text to place.
struct Resolution<'a> {
    workspace: &'a Workspace,
    asked: &'a str,
    stack: Vec<String>,
    pending: VecDeque<String>,
    links: usize,
}

impl Resolution<'_> {
    fn go_up(&mut self) -> Result<(), PathError> {
        match self.stack.pop() {
            Some(_) => Ok(()),
            None => Err(self.outside()),
        }
    }

    fn outside(&self) -> PathError {
        PathError::Outside { asked: self.asked.to_owned() }
    }

    fn go_down(&mut self, name: String) -> Result<(), PathError> {
        if is_reserved(&name) || is_leftover(&name) {
            return Err(PathError::Reserved { asked: self.asked.to_owned(), name });
        }
        if cfg!(windows) && name.contains(':') {
            return Err(self.outside());
        }
        self.stack.push(name);
        match self.link_here()? {
            None => Ok(()),
            Some(target) => self.follow(&target),
        }
    }

    /// The target of the link that the stack now ends at, if it ends at one.
    fn link_here(&self) -> Result<Option<PathBuf>, PathError> {
        let mut place = self.workspace.real_root()?.to_owned();
        place.extend(&self.stack);
        let unreadable = |source| PathError::Unreadable { asked: self.asked.to_owned(), source };
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_symlink() => fs::read_link(&place).map(Some).map_err(unreadable),
            Ok(_) => Ok(None),
            Err(error) if super::is_absence(&error) => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }

    fn follow(&mut self, target: &Path) -> Result<(), PathError> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(PathError::LinkLoop { asked: self.asked.to_owned() });
        }
        let link = self.stack.join("/");
        self.stack.pop();
        let mut rest = target;
        if target.is_absolute() {
            rest = self.workspace.below_root(target).ok_or_else(|| PathError::LinkOutside {
                asked: self.asked.to_owned(),
                link: link.clone(),
            })?;
            self.stack.clear();
        }
        let text =
            rest.to_str().ok_or_else(|| PathError::NotText { asked: self.asked.to_owned() })?;
        let text = if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() };
        self.check_depth(&text, &link)?;
        for part in split(&text).into_iter().rev() {
            self.pending.push_front(part);
        }
        Ok(())
    }

    /// Names the link where its own target climbs out, which `go_up` could not tell from a `..`
    /// in the path that was asked for.
    fn check_depth(&self, target: &str, link: &str) -> Result<(), PathError> {
        let mut depth = self.stack.len();
        for part in target.split('/') {
            depth = match part {
                "" | "." => depth,
                ".." => depth.checked_sub(1).ok_or_else(|| PathError::LinkOutside {
                    asked: self.asked.to_owned(),
                    link: link.to_owned(),
                })?,
                _ => depth + 1,
            };
        }
        Ok(())
    }
}

fn split(path: &str) -> VecDeque<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Whether a path begins with a drive letter, as in `C:\x` and `C:x`.
fn has_drive(path: &str) -> bool {
    let mut characters = path.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.next() == Some(':')
}

/// Whether a name stands for git's or LAO's own folder on any file system: in any case, with
/// characters that HFS+ ignores, with endings that NTFS drops, or as its short name.
pub(crate) fn is_reserved(name: &str) -> bool {
    if !name
        .starts_with(['.', 'g', 'G', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{feff}'])
        && name.is_ascii()
    {
        return false;
    }
    let stream = name.split(':').next().unwrap_or(name);
    let folded: String = stream
        .chars()
        .filter(|character| !is_ignorable(*character))
        .flat_map(char::to_lowercase)
        .collect();
    let folded = folded.trim_end_matches(['.', ' ']);
    RESERVED.contains(&folded) || folded == "git~1"
}

/// Characters that HFS+ leaves out when it compares names.
fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Whether a name is that of a file which was being written when the program ended.
pub(crate) fn is_leftover(name: &str) -> bool {
    name.get(..TEMP_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(TEMP_PREFIX))
}
