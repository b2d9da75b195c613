//! Trees: one tree with some paths changed becomes another, touching only the folders in between.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository, Tree, TreeEntry};

use crate::objects::Objects;

/// A file in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) id: Oid,
    pub(crate) mode: u32,
}

/// What becomes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The file stands there.
    Write(Leaf),
    /// Nothing stands there.
    Remove,
}

/// What becomes of each path (relative, with `/`).
pub(crate) type Edits = BTreeMap<String, Edit>;

/// The edits below one name.
#[derive(Default)]
struct Below<'a> {
    own: Option<Edit>,
    rest: Vec<(&'a str, Edit)>,
}

/// Writes the tree that `edits` make of `base`, and returns its id.
pub(crate) fn write(
    objects: &Objects<'_>,
    base: Option<&Tree<'_>>,
    edits: &Edits,
) -> Result<Oid, git2::Error> {
    let edits = edits.iter().map(|(path, edit)| (path.as_str(), *edit)).collect();
    match write_folder(objects, base, edits)? {
        Some(id) => Ok(id),
        None => objects.tree(&objects.folder(None)?),
    }
}

/// `None` when the folder became empty: git keeps no empty folders.
fn write_folder(
    objects: &Objects<'_>,
    base: Option<&Tree<'_>>,
    edits: Vec<(&str, Edit)>,
) -> Result<Option<Oid>, git2::Error> {
    let mut names: BTreeMap<&str, Below<'_>> = BTreeMap::new();
    for (path, edit) in edits {
        match path.split_once('/') {
            None => names.entry(path).or_default().own = Some(edit),
            Some((name, rest)) => names.entry(name).or_default().rest.push((rest, edit)),
        }
    }
    let mut builder = objects.folder(base)?;
    for (name, below) in names {
        let existing = base.and_then(|tree| tree.get_name(name));
        let child = child(objects, existing.as_ref(), below)?;
        let known = existing.map(|entry| (entry.id(), entry.filemode()));
        match child {
            Some(Leaf { id, mode }) => {
                let mode = mode.cast_signed();
                if known != Some((id, mode)) {
                    builder.insert(name, id, mode)?;
                }
            }
            None if known.is_some() => builder.remove(name)?,
            None => {}
        }
    }
    if builder.is_empty() {
        return Ok(None);
    }
    objects.tree(&builder).map(Some)
}

/// Mode of a folder in a tree.
const MODE_FOLDER: u32 = 0o040_000;

/// What stands under a name afterwards. A file that is written wins over a folder that is emptied,
/// and a folder that is written into wins over a file that is removed.
fn child(
    objects: &Objects<'_>,
    existing: Option<&TreeEntry<'_>>,
    below: Below<'_>,
) -> Result<Option<Leaf>, git2::Error> {
    if let Some(Edit::Write(leaf)) = below.own {
        return Ok(Some(leaf));
    }
    let folder = match existing {
        Some(entry) if entry.kind() == Some(ObjectType::Tree) => {
            Some(objects.find_tree(entry.id())?)
        }
        Some(_) | None => None,
    };
    let written = below.rest.iter().any(|(_, edit)| *edit != Edit::Remove);
    let file_stays = below.own.is_none() && !written;
    match existing {
        Some(entry) if folder.is_none() && file_stays => Ok(Some(leaf_of(entry))),
        // A path that names the folder itself as removed is gone with it or was never a file.
        Some(_) | None => {
            let id = write_folder(objects, folder.as_ref(), below.rest)?;
            Ok(id.map(|id| Leaf { id, mode: MODE_FOLDER }))
        }
    }
}

/// A file that differs between two trees; `None` where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) old: Option<Leaf>,
    pub(crate) new: Option<Leaf>,
}

/// The files that differ between two trees. Folders that are the same are not read, so that the
/// price is that of the change, not of the tree.
pub(crate) fn differences(
    repository: &Repository,
    before: Option<&Tree<'_>>,
    after: Option<&Tree<'_>>,
) -> Result<Vec<Difference>, git2::Error> {
    let mut found = Vec::new();
    compare(repository, "", (before, after), &mut found)?;
    Ok(found)
}

fn compare(
    repository: &Repository,
    prefix: &str,
    sides: (Option<&Tree<'_>>, Option<&Tree<'_>>),
    found: &mut Vec<Difference>,
) -> Result<(), git2::Error> {
    let mut names: BTreeMap<Vec<u8>, (Option<Leaf>, Option<Leaf>)> = BTreeMap::new();
    for entry in sides.0.into_iter().flat_map(Tree::iter) {
        names.entry(entry.name_bytes().to_vec()).or_default().0 = Some(leaf_of(&entry));
    }
    for entry in sides.1.into_iter().flat_map(Tree::iter) {
        names.entry(entry.name_bytes().to_vec()).or_default().1 = Some(leaf_of(&entry));
    }
    for (name, (old, new)) in names {
        // A name that is no UTF-8 is never one of ours.
        let (true, Ok(name)) = (old != new, std::str::from_utf8(&name)) else {
            continue;
        };
        let path = format!("{prefix}{name}");
        let folder = |leaf: Option<Leaf>| {
            leaf.filter(|leaf| leaf.mode == MODE_FOLDER)
                .map(|leaf| repository.find_tree(leaf.id))
                .transpose()
        };
        let file = |leaf: Option<Leaf>| leaf.filter(|leaf| leaf.mode != MODE_FOLDER);
        let (below_old, below_new) = (folder(old)?, folder(new)?);
        let below = (below_old.as_ref(), below_new.as_ref());
        compare(repository, &format!("{path}/"), below, found)?;
        let (old, new) = (file(old), file(new));
        if old != new {
            found.push(Difference { path, old, new });
        }
    }
    Ok(())
}

fn leaf_of(entry: &TreeEntry<'_>) -> Leaf {
    Leaf { id: entry.id(), mode: entry.filemode().cast_unsigned() }
}

/// The file at a path, if there is one.
pub(crate) fn leaf_at(tree: Option<&Tree<'_>>, path: &str) -> Option<Leaf> {
    let entry = tree?.get_path(path.as_ref()).ok()?;
    Some(leaf_of(&entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::MODE_FILE;

    /// Some files that can stand side by side: no name is both a file and a folder.
    fn files(seed: &mut u64, ids: &[Oid]) -> BTreeMap<String, Leaf> {
        let mut random = |below: usize| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(*seed >> 33).unwrap() % below
        };
        let mut files: BTreeMap<String, Leaf> = BTreeMap::new();
        for _ in 0..random(12) {
            let depth = 1 + random(3);
            let names: Vec<&str> = (0..depth).map(|_| ["a", "a.b", "a-", "z"][random(4)]).collect();
            let path = names.join("/");
            let clash = files.keys().any(|other| {
                other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
            });
            let (id, mode) = (ids[random(ids.len())], MODE_FILE);
            if !clash {
                files.insert(path, Leaf { id, mode });
            }
        }
        files
    }

    #[test]
    fn a_changed_tree_is_the_tree_of_the_changed_files() {
        let folder = tempfile::TempDir::new().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let odb = repository.odb().unwrap();
        let objects = Objects::new(&repository, &odb).unwrap();
        let ids = [b"1", b"2", b"3"].map(|bytes| objects.blob(bytes).unwrap());
        let mut seed = 1;
        for _ in 0..300 {
            let (old, new) = (files(&mut seed, &ids), files(&mut seed, &ids));
            let all = |files: &BTreeMap<String, Leaf>| {
                let edits = files.iter().map(|(path, leaf)| (path.clone(), Edit::Write(*leaf)));
                let id = write(&objects, None, &edits.collect()).unwrap();
                objects.find_tree(id).unwrap()
            };
            let (before, after) = (all(&old), all(&new));
            let removed = old.keys().map(|path| (path.clone(), Edit::Remove));
            let written = new.iter().map(|(path, leaf)| (path.clone(), Edit::Write(*leaf)));
            let edits = removed.chain(written).collect();
            let changed = write(&objects, Some(&before), &edits).unwrap();
            assert_eq!(changed, after.id(), "{old:?} to {new:?}");
            let found = differences(&repository, Some(&before), Some(&after)).unwrap();
            let mut replayed = old.clone();
            for Difference { path, old, new } in found {
                assert_eq!(replayed.get(&path).copied(), old, "{path}");
                match new {
                    Some(leaf) => replayed.insert(path, leaf),
                    None => replayed.remove(&path),
                };
            }
            assert_eq!(replayed, new);
        }
    }
}
