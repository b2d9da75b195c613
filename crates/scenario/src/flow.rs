//! What steps of workflows need in a scenario besides models and tools: plans as steps, which are
//! over at once, and results of earlier steps.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use lao_event::{Hash, RunId, latest::ActionFailure};
use lao_port::{ActionError, BoxFuture, PlanResult, Plans, Results, StoredResult};
use serde_json::json;

/// Plans that succeed at once if their file is there; a scenario of its own tests what a plan does.
pub(crate) struct PlayedPlans {
    workspace: PathBuf,
}

impl PlayedPlans {
    pub(crate) fn new(workspace: &Path) -> Self {
        Self { workspace: workspace.to_owned() }
    }
}

impl Plans for PlayedPlans {
    fn run<'a>(&'a self, file: &'a str, _run: &'a RunId) -> BoxFuture<'a, PlanResult> {
        let there = self.workspace.join(file).is_file();
        let result = if there {
            // Which run it was depends on when it began, and that on kills.
            Ok(json!({ "outcome": "succeeded" }).to_string())
        } else {
            let message = format!("cannot read the plan {file}");
            Err(ActionError { kind: ActionFailure::Inside, message })
        };
        Box::pin(std::future::ready(result))
    }
}

/// Results of earlier steps, as long as the scenario lasts.
#[derive(Default)]
pub(crate) struct PlayedResults {
    stored: Mutex<BTreeMap<Hash, StoredResult>>,
}

impl Results for PlayedResults {
    fn get(&self, key: Hash) -> Option<StoredResult> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn put(&self, key: Hash, value: &StoredResult) {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        stored.insert(key, value.clone());
    }
}
