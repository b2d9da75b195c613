//! Arguments of tool calls, as models write them: looked at, mended or refused; never carried out,
//! and never out of the workspace.

use std::{fs, path::Path, sync::Arc, sync::LazyLock};

use lao_event::{ShellAccess, ToolSpec};
use lao_port::{PreparedAction, ToolRequest, Toolbox as _};
use lao_tool::{LocalToolbox, ToolLimits, Workspace, specs};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Tools at work in a folder with two files.
struct Shop {
    _folder: TempDir,
    tools: LocalToolbox,
    specs: Vec<ToolSpec>,
    runtime: Runtime,
}

static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (path, text) in [("a.txt", "one\ntwo\n"), ("src/b.rs", "fn main() {}\n")] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder is ours");
        fs::write(path, text).expect("the folder is ours");
    }
    let limits =
        ToolLimits { output_bytes_max: 1024, shell: ShellAccess::On, shell_timeout_ms: 1000 };
    Shop {
        tools: LocalToolbox::new(Arc::new(Workspace::new(folder.path())), limits),
        specs: specs(ShellAccess::On),
        runtime: Builder::new_current_thread().build().expect("a runtime starts"),
        _folder: folder,
    }
});

/// The first byte picks the tool, the rest is its arguments.
pub(crate) fn arguments(data: &[u8]) {
    let Some((tool, arguments)) = data.split_first() else { return };
    let shop = &*SHOP;
    let name = &shop.specs[usize::from(*tool) % shop.specs.len()].name;
    let arguments = String::from_utf8_lossy(arguments).into_owned();
    let request = ToolRequest { name: name.clone(), arguments };
    let prepared = shop.runtime.block_on(shop.tools.prepare(&request));
    if let PreparedAction::Write { path, .. } = prepared.action {
        let inside = Path::new(&path)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        assert!(inside && !path.starts_with(".git/"), "{path:?} is for no tool");
    }
}
