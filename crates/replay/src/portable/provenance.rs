//! Where a portable run comes from.

use std::collections::BTreeMap;

use lao_event::{
    EffectId, Event, Role,
    latest::{ModelOutcome, ModelRequest},
};
use lao_history::Recorded;
use lao_journal::{Genesis, Head};
use serde::{Deserialize, Serialize};

/// The first section of a portable file. Fields that this program does not know are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the program that exported it.
    pub lao: String,
    /// The run's id.
    pub run: String,
    /// What people call it.
    pub title: String,
    /// The plan's file, relative to the project it came from; may be empty.
    pub source: String,
    /// When the run was made, milliseconds since 1970.
    pub created_ms: i64,
    /// How it ended, where it came to a clean end.
    pub outcome: Option<String>,
    /// What the genesis binds besides the run's id, in hexadecimal.
    pub started: String,
    /// Hash before the first record, in hexadecimal.
    pub genesis: String,
    /// The last record.
    pub head: Position,
    /// Number of blobs.
    pub blobs: u64,
    /// Bytes of all blobs.
    pub blob_bytes: u64,
    /// Versions of the programs that worked on the run, in their order, none twice in a row.
    pub programs: Vec<String>,
    /// The models that were asked, in the order of their first call.
    pub models: Vec<ModelIdentity>,
    /// What was replaced; absent where the records are those of the journal.
    pub redacted: Option<Redaction>,
}

/// A record and the chain's hash there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The record's number.
    pub seq: u64,
    /// Its chain hash, in hexadecimal.
    pub hash: String,
}

/// A model that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// For what.
    pub role: Role,
    /// The endpoint's name in the configuration.
    pub endpoint: String,
    /// The model's key there.
    pub asked: String,
    /// The model as the server named it; absent before the first answer.
    pub answered: Option<String>,
    /// The server's fingerprint or build, where it tells.
    pub server: Option<String>,
    /// Calls.
    pub calls: u64,
}

/// What was replaced in a run before it was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    /// The last record of the journal as it was.
    pub original: Position,
    /// What was found, by the name that stands for it now.
    pub rules: Vec<RuleCount>,
}

/// How often something was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// What stands for it: `secret://` and a name.
    pub token: String,
    /// How often.
    pub count: u64,
}

impl Position {
    /// A journal's head.
    pub fn of(head: Head) -> Self {
        Self { seq: head.seq, hash: head.hash.to_hex() }
    }
}

impl Provenance {
    /// What the genesis of the run's chain is; `None` where the fields make none, or another.
    pub fn genesis(&self) -> Option<Genesis> {
        let genesis = Genesis { run: self.run.clone(), started: from_hex(&self.started)? };
        (genesis.hash().to_hex() == self.genesis).then_some(genesis)
    }
}

/// What events tell of a run's provenance.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) programs: Vec<String>,
    pub(crate) models: Vec<ModelIdentity>,
    /// Calls under way, and whose they are.
    calls: BTreeMap<EffectId, (Role, ModelRequest)>,
}

impl Gathered {
    /// Takes an event in.
    pub(crate) fn note(&mut self, recorded: &Recorded) {
        if let Event::RunStarted(started) = &recorded.event {
            self.program(&started.program);
        } else if let Event::RunResumed(resumed) = &recorded.event {
            self.program(&resumed.program);
        } else if let Event::RunForked(forked) = &recorded.event {
            self.program(&forked.program);
        } else if let Event::ModelCallStarted(started) = &recorded.event {
            self.calls.insert(started.effect, (started.role, started.request.clone()));
        } else if let Event::ModelCallEnded(ended) = &recorded.event
            && let Some((role, request)) = self.calls.remove(&ended.effect)
        {
            self.call(role, request, &ended.outcome);
        }
    }

    fn program(&mut self, program: &str) {
        if self.programs.last().is_none_or(|last| last != program) {
            self.programs.push(program.to_owned());
        }
    }

    fn call(&mut self, role: Role, request: ModelRequest, outcome: &ModelOutcome) {
        let (answered, server) = match outcome {
            ModelOutcome::Answered(answer) => (Some(answer.model.clone()), answer.server.clone()),
            ModelOutcome::Failed(_) => (None, None),
        };
        let ModelRequest { endpoint, model: asked, format: _, tools: _, output_tokens_max: _ } =
            request;
        let new = ModelIdentity { role, endpoint, asked, answered, server, calls: 1 };
        let same = |known: &&mut ModelIdentity| {
            (known.role, &known.endpoint, &known.asked) == (new.role, &new.endpoint, &new.asked)
                && (known.answered == new.answered || new.answered.is_none())
                && (known.server == new.server || new.answered.is_none())
        };
        match self.models.iter_mut().find(same) {
            Some(known) => known.calls += 1,
            None => self.models.push(new),
        }
    }
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes every write");
        hex
    })
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
