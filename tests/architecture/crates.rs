//! Our crates and everything they depend on: the members from `cargo metadata`, which knows what
//! kind a dependency is, and the rest from `Cargo.lock`, which needs nothing downloaded.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    sync::LazyLock,
};

use serde::Deserialize;

use super::tree;

/// One of our crates.
#[derive(Debug)]
pub(crate) struct Member {
    pub name: String,
    pub description: String,
    /// Its folder from the top; empty for the root package.
    pub folder: String,
    /// Root files of its targets, from the top.
    pub roots: Vec<String>,
    /// Names of the packages it is built with.
    pub normal: BTreeSet<String>,
    /// Names of the packages only its tests, benchmarks and build script see.
    pub other: BTreeSet<String>,
}

/// Tools of build scripts, which are never linked. The lock file does not tell them apart.
const BUILD_TOOLS: &[&str] = &["cc", "pkg-config", "vcpkg", "version_check"];

/// Our crates, and which package needs which.
#[derive(Debug)]
pub(crate) struct Crates {
    pub members: Vec<Member>,
    /// Packages of the lock file by name and version, with the positions of what they need.
    packages: Vec<Locked>,
}

#[derive(Debug)]
struct Locked {
    name: String,
    needs: Vec<usize>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    description: Option<String>,
    manifest_path: String,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    src_path: String,
}

#[derive(Deserialize)]
struct LockFile {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// What is here.
pub(crate) fn here() -> &'static Crates {
    static HERE: LazyLock<Crates> = LazyLock::new(|| {
        let lock = tree::file("Cargo.lock").expect("the lock file is kept");
        Crates { members: members(), packages: packages(&lock.text) }
    });
    &HERE
}

impl Crates {
    /// Names of everything a member is built with, directly or through others.
    pub(crate) fn closure(&self, member: &Member) -> BTreeSet<String> {
        let own = self
            .packages
            .iter()
            .find(|package| package.name == member.name)
            .unwrap_or_else(|| panic!("{} is not in Cargo.lock: run cargo build", member.name));
        let mut found = BTreeSet::new();
        let direct = own.needs.iter().filter(|need| self.is_normal(member, **need));
        let mut open: Vec<usize> = direct.copied().collect();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(&self.normal_needs(next));
            }
        }
        found.into_iter().map(|found| self.packages[found].name.clone()).collect()
    }

    fn is_normal(&self, member: &Member, need: usize) -> bool {
        member.normal.contains(&self.packages[need].name)
    }

    fn is_build_tool(&self, package: usize) -> bool {
        BUILD_TOOLS.contains(&self.packages[package].name.as_str())
    }

    /// The lock file does not tell the kinds of our own crates' dependencies apart.
    fn normal_needs(&self, package: usize) -> Vec<usize> {
        let Locked { name, needs } = &self.packages[package];
        match self.members.iter().find(|member| member.name == *name) {
            Some(member) => {
                needs.iter().filter(|need| self.is_normal(member, **need)).copied().collect()
            }
            None => needs.iter().filter(|need| !self.is_build_tool(**need)).copied().collect(),
        }
    }
}

fn members() -> Vec<Member> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(tree::root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).expect("cargo writes its metadata as JSON");
    let mut members: Vec<Member> = metadata.packages.into_iter().map(member).collect();
    members.sort_by(|one, other| one.name.cmp(&other.name));
    members
}

fn member(package: Package) -> Member {
    let names = |normal: bool| {
        let dependencies = package.dependencies.iter();
        let of_kind = dependencies.filter(|dependency| dependency.kind.is_none() == normal);
        of_kind.map(|dependency| dependency.name.clone()).collect()
    };
    let folder = Path::new(&package.manifest_path).parent().expect("a manifest is in a folder");
    let from_root = |target: &Target| tree::from_root(Path::new(&target.src_path));
    Member {
        normal: names(true),
        other: names(false),
        folder: tree::from_root(folder),
        roots: package.targets.iter().map(from_root).collect(),
        description: package.description.unwrap_or_default(),
        name: package.name,
    }
}

fn packages(lock: &str) -> Vec<Locked> {
    let lock: LockFile = toml::from_str(lock).expect("cargo writes its lock file as TOML");
    let mut at: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, package) in lock.package.iter().enumerate() {
        at.entry(package.name.clone()).or_default().push(index);
        at.entry(format!("{} {}", package.name, package.version)).or_default().push(index);
    }
    let resolve = |need: &String| match at.get(need).map(Vec::as_slice) {
        Some([index]) => *index,
        Some(_) | None => panic!("Cargo.lock names {need:?}, which is not one package there"),
    };
    let locked = |package: &LockedPackage| Locked {
        name: package.name.clone(),
        needs: package.dependencies.iter().map(resolve).collect(),
    };
    lock.package.iter().map(locked).collect()
}
