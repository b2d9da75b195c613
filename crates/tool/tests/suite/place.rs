//! A folder to work in, and short ways to call tools in it.

use std::{fs, path::Path, sync::Arc};

use lao_event::{Hash, ShellAccess, latest::FileWriteOutcome};
use lao_port::{FileWrite, Prepared, PreparedAction, ToolReply, ToolRequest, Toolbox};
use lao_tool::{LocalActions, LocalToolbox, LocalVerifier, ToolLimits, Workspace};

/// A workspace in a temporary folder, with its tools.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) tools: LocalToolbox,
    pub(crate) verifier: LocalVerifier,
    pub(crate) actions: LocalActions,
}

impl Place {
    /// A workspace with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        Self::limited(
            files,
            &ToolLimits {
                output_bytes_max: 8192,
                shell: ShellAccess::On,
                shell_timeout_ms: 60_000,
            },
        )
    }

    /// A workspace with these files and limits.
    pub(crate) fn limited(files: &[(&str, &str)], limits: &ToolLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Arc::new(Workspace::new(folder.path()));
        let place = Self {
            folder,
            tools: LocalToolbox::new(Arc::clone(&workspace), limits.clone()),
            actions: LocalActions::new(Arc::clone(&workspace)),
            verifier: LocalVerifier::new(workspace),
        };
        for (path, text) in files {
            place.put(path, text);
        }
        place
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) async fn prepare(&self, name: &str, arguments: &str) -> Prepared {
        let request = ToolRequest { name: name.to_owned(), arguments: arguments.to_owned() };
        self.tools.prepare(&request).await
    }

    /// Prepares and carries out a reading tool.
    pub(crate) async fn read(&self, name: &str, arguments: &str) -> ToolReply {
        let prepared = self.prepare(name, arguments).await;
        let PreparedAction::Read { arguments } = &prepared.action else {
            panic!("{name} does not read: {:?}", prepared.action);
        };
        self.tools.read(&prepared.tool, arguments).await
    }

    /// Prepares and carries out a writing tool.
    pub(crate) async fn write(&self, name: &str, arguments: &str) -> (FileWriteOutcome, String) {
        let prepared = self.prepare(name, arguments).await;
        let (write, reply) = as_write(prepared.action);
        (self.tools.write(&write).await, reply)
    }

    /// What the model is told of a call that is invalid.
    pub(crate) async fn invalid(&self, name: &str, arguments: &str) -> String {
        let prepared = self.prepare(name, arguments).await;
        let PreparedAction::Invalid { reply } = prepared.action else {
            panic!("{name} {arguments} is valid: {:?}", prepared.action);
        };
        reply
    }

    /// The rule by which a call is denied.
    pub(crate) async fn denied(&self, name: &str, arguments: &str) -> String {
        let prepared = self.prepare(name, arguments).await;
        let PreparedAction::Denied { rule, .. } = prepared.action else {
            panic!("{name} {arguments} is not denied: {:?}", prepared.action);
        };
        rule
    }
}

/// A prepared write as the runtime hands it on.
pub(crate) fn as_write(action: PreparedAction) -> (FileWrite, String) {
    let PreparedAction::Write { path, before, after, reply } = action else {
        panic!("not a write: {action:?}");
    };
    let before = before.as_deref().map(Hash::of);
    let write = FileWrite { path, before, after };
    (write, reply)
}
