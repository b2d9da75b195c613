//! Values of the events of a workflow's triggers: what their golden bytes are made of.

use lao_event::{
    Hash, RunId,
    latest::{
        FilesPassedOver, OpenedSchedule, ScheduleMissed, TriggerCause, TriggerEnded, TriggerEvent,
        TriggerFired, TriggerOpened, TriggerOutcome,
    },
};

const DUE_MS: i64 = 1_795_195_597_000;

/// Every sample, in the order of the type numbers.
pub(crate) fn all() -> Vec<(&'static str, TriggerEvent)> {
    [taken_up(), fired(), ended(), passed()].concat()
}

fn taken_up() -> Vec<(&'static str, TriggerEvent)> {
    let opened = |schedules: Vec<OpenedSchedule>| {
        let text = Hash::of(b"on: {}\n");
        let workflow = "flows/inbox.yaml".to_owned();
        TriggerOpened { workflow, text, program: "0.1.0".to_owned(), schedules }.into()
    };
    let schedule = |cron: &str, zone: Option<&str>, from_ms: i64| OpenedSchedule {
        cron: cron.to_owned(),
        zone: zone.map(str::to_owned),
        from_ms,
    };
    let schedules = vec![
        schedule("0 7 * * mon-fri", Some("Europe/Berlin"), DUE_MS),
        schedule("@hourly", None, -1),
    ];
    vec![("no schedules", opened(Vec::new())), ("schedules", opened(schedules))]
}

fn fired() -> Vec<(&'static str, TriggerEvent)> {
    let fired = |number: u64, cause: TriggerCause| {
        let run = RunId::new(1_795_195_597_123, 0x00ab_cdef);
        TriggerFired { number, cause, run }.into()
    };
    let file = TriggerCause::File {
        watch: 1,
        path: "inbox/größe.mp3".to_owned(),
        hash: Hash::of(b"a file"),
        size_bytes: 5_000_000_000,
        modified_ms: DUE_MS - 12_345,
    };
    let schedule = TriggerCause::Schedule { schedule: 0, due_ms: DUE_MS, late: false };
    let late = TriggerCause::Schedule { schedule: 300, due_ms: DUE_MS, late: true };
    vec![
        ("file", fired(1, file)),
        ("schedule", fired(2, schedule)),
        ("late", fired(70_000, late)),
        ("manual", fired(u64::MAX, TriggerCause::Manual)),
    ]
}

fn ended() -> Vec<(&'static str, TriggerEvent)> {
    let ended = |number: u64, outcome: TriggerOutcome| TriggerEnded { number, outcome }.into();
    vec![
        ("succeeded", ended(1, TriggerOutcome::Succeeded)),
        ("failed", ended(2, TriggerOutcome::Failed)),
        ("cancelled", ended(70_000, TriggerOutcome::Cancelled)),
    ]
}

fn passed() -> Vec<(&'static str, TriggerEvent)> {
    let until_ms = DUE_MS + 3 * 3_600_000;
    let missed = ScheduleMissed { schedule: 1, from_ms: DUE_MS, until_ms, count: 4 };
    let over = |recursive: bool, stamps: Vec<Hash>| {
        FilesPassedOver { folder: "inbox".to_owned(), recursive, stamps }.into()
    };
    vec![
        ("four moments", missed.into()),
        ("two files", over(true, vec![Hash::of(b"one"), Hash::of(b"two")])),
        ("an empty folder", over(false, Vec::new())),
    ]
}
