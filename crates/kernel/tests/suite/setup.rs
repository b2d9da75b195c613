//! How runs begin: definitions and settings.

use lao_event::{
    CheckCommand, CheckScope, Content, GitSettings, Limits, OnUnknown, Role, RoleSettings, RunId,
    Settings, ShellAccess, VerifierSettings, WorkspaceSettings,
    latest::{Definition, PlanDefinition},
};
use lao_kernel::{Command, Start};
use proptest::prelude::*;

/// The part of the settings that changes what the kernel does.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub git: bool,
    pub wave: bool,
    pub chunks: usize,
    pub limits: Limits,
    pub on_unknown: OnUnknown,
    pub context_tokens: u32,
    pub json_schema: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            git: true,
            wave: false,
            chunks: 1,
            limits: Limits::default(),
            on_unknown: OnUnknown::Ask,
            context_tokens: 32_768,
            json_schema: true,
        }
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    let of_models = (1..4_u32, 1..4_u32, 0..3_u32, 1..4_u32);
    let of_coder = (1..9_u32, 0..4_u32, 1..5_u32, 0..3_u32);
    (of_models, of_coder).prop_map(|(of_models, of_coder)| Limits {
        attempts_max: of_models.0,
        planner_tries_max: of_models.1,
        check_rounds_max: of_models.2,
        review_tries_max: of_models.3,
        turns_max: of_coder.0,
        repeated_calls_max: of_coder.1,
        tool_output_bytes_max: 8192,
        attempt_time_limit_ms: None,
        parallel_tasks_max: of_coder.2,
        effect_losses_max: of_coder.3,
        parallel_steps_max: 8,
    })
}

/// Every kind of setup.
pub(crate) fn setups() -> impl Strategy<Value = Setup> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let on_unknown =
        prop_oneof![Just(OnUnknown::Ask), Just(OnUnknown::Rerun), Just(OnUnknown::Skip)];
    let context_tokens = prop_oneof![4 => Just(32_768_u32), 1 => 1_500..3_000_u32];
    (flags, 1..4_usize, limits(), on_unknown, context_tokens).prop_map(
        |((git, wave, json_schema), chunks, limits, on_unknown, context_tokens)| Setup {
            git,
            wave,
            chunks,
            limits,
            on_unknown,
            context_tokens,
            json_schema,
        },
    )
}

impl Setup {
    /// The command that begins the run.
    pub(crate) fn start(&self) -> Command {
        let chunk = |index: usize| Content::from(format!("# Part {}\n\nMake it.", index + 1));
        let plan = PlanDefinition {
            title: "App".to_owned(),
            path: "plans/app.md".to_owned(),
            text: Content::from("# App\n\nMake it."),
            chunks: (0..self.chunks).map(chunk).collect(),
        };
        Command::Start(Box::new(Start {
            run: RunId::new(1_795_195_597_123, 7),
            program: "0.1.0".to_owned(),
            steps: Vec::new(),
            definition: Definition::Plan(plan),
            settings: self.settings(),
            seed: 42,
        }))
    }

    pub(crate) fn settings(&self) -> Settings {
        let role = |role: Role| RoleSettings {
            role,
            endpoint: "studio".to_owned(),
            model: format!("{role}-model"),
            context_tokens: self.context_tokens,
            output_tokens_max: 1_024,
            temperature_milli: None,
            top_p_milli: None,
            repetition_penalty_milli: None,
            seed: None,
            tools: true,
            json_schema: self.json_schema,
            instructions: None,
        };
        let command = |name: &str, scope: CheckScope| CheckCommand {
            name: name.to_owned(),
            argv: vec![name.to_owned()],
            scope,
            files: Vec::new(),
            timeout_ms: 60_000,
        };
        let mut commands = vec![command("lint", CheckScope::Task)];
        if self.wave {
            commands.push(command("test", CheckScope::Wave));
        }
        Settings {
            roles: [Role::Planner, Role::Coder, Role::Reviewer].map(role).to_vec(),
            limits: self.limits.clone(),
            verifier: VerifierSettings { commands, placeholders: true },
            git: GitSettings { enabled: self.git, ..GitSettings::default() },
            workspace: WorkspaceSettings::Folder { path: "/work/app".to_owned() },
            shell: ShellAccess::On,
            shell_timeout_ms: 120_000,
            on_unknown: self.on_unknown,
            tools: lao_tool::specs(ShellAccess::On),
        }
    }
}
