//! Settings for runs of tests: what a test has nothing to say about, said once.
//!
//! It names nothing but `lao-event`, so that the fuzz targets can include the file.

use lao_event::{
    GitSettings, Limits, OnUnknown, Role, RoleSettings, Settings, ShellAccess, VerifierSettings,
    WorkspaceSettings,
};

/// A planner, a coder and a reviewer at one endpoint, in a folder with git, without commands.
pub(crate) fn of(endpoint: &str) -> Settings {
    let role = |role: Role| RoleSettings {
        role,
        endpoint: endpoint.to_owned(),
        model: format!("{role}-model"),
        context_tokens: 32_768,
        output_tokens_max: 8_192,
        temperature_milli: None,
        top_p_milli: None,
        repetition_penalty_milli: None,
        seed: None,
        tools: true,
        json_schema: true,
        instructions: None,
    };
    Settings {
        roles: [Role::Planner, Role::Coder, Role::Reviewer].map(role).to_vec(),
        limits: Limits::default(),
        verifier: VerifierSettings { commands: Vec::new(), placeholders: true },
        git: GitSettings { enabled: true, ..GitSettings::default() },
        workspace: WorkspaceSettings::Folder { path: "/work/app".to_owned() },
        shell: ShellAccess::Off,
        shell_timeout_ms: 120_000,
        on_unknown: OnUnknown::Ask,
        tools: Vec::new(),
    }
}
