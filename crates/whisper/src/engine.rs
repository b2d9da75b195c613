//! The engine: whisper.cpp with one model, asked piece by piece.

use std::{thread, time::Duration};

use lao_transcriber::protocol::Work;
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
    get_lang_id, get_lang_str,
};

use crate::{failure::Failure, resample::RATE};

/// More threads than this do not help; each has a stack.
const THREADS_MAX: u32 = 64;
/// Threads without a wish.
const THREADS_DEFAULT: u32 = 8;
/// The engine does not look at less than a second.
const SAMPLES_MIN: usize = RATE as usize * 11 / 10;

/// A model, ready to transcribe one recording.
pub(crate) struct Engine {
    state: WhisperState,
    is_multilingual: bool,
    options: Options,
}

/// What was asked for, as the engine takes it.
struct Options {
    /// The language, once it is known.
    language: Option<String>,
    translate: bool,
    prompt: Option<String>,
    threads: i32,
}

/// A passage within a piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Where it begins, from the beginning of the piece.
    pub(crate) start: Duration,
    /// Where it ends.
    pub(crate) end: Duration,
    /// What was said, as the engine writes it.
    pub(crate) text: String,
}

impl Engine {
    /// Loads the model, which was checked before.
    pub(crate) fn load(work: &Work) -> Result<Self, Failure> {
        let options = Options::of(work)?;
        let refused = |error: &dyn std::fmt::Display| {
            Failure::engine(format!("the model `{}` cannot be loaded: {error}", work.model.name))
        };
        let mut parameters = WhisperContextParameters::new();
        parameters.use_gpu(false);
        let context = WhisperContext::new_with_params(&work.model.path, parameters)
            .map_err(|error| refused(&error))?;
        let is_multilingual = context.is_multilingual();
        let engine = Self {
            state: context.create_state().map_err(|error| refused(&error))?,
            is_multilingual,
            options,
        };
        engine.check_language(&work.model.name)?;
        Ok(engine)
    }

    fn check_language(&self, model: &str) -> Result<(), Failure> {
        match self.options.language.as_deref() {
            Some(language) if !self.is_multilingual && language != "en" => {
                Err(Failure::engine(format!(
                    "the model `{model}` knows English only, and the language is `{language}`; \
                     models without `.en` in their names know others"
                )))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The language as it was asked for or found out.
    pub(crate) fn language(&self) -> Option<&str> {
        self.options.language.as_deref()
    }

    /// Transcribes a piece; the callback hears of its hundredths.
    pub(crate) fn transcribe(
        &mut self,
        samples: &mut Vec<f32>,
        on_percent: impl FnMut(i32) + 'static,
    ) -> Result<Vec<Passage>, Failure> {
        let length = duration(samples.len());
        if samples.len() < SAMPLES_MIN {
            samples.resize(SAMPLES_MIN, 0.0);
        }
        let mut parameters = self.options.parameters();
        parameters.set_progress_callback_safe(on_percent);
        self.state
            .full(parameters, samples)
            .map_err(|error| Failure::engine(format!("the engine failed: {error}")))?;
        if self.options.language.is_none() {
            let found = get_lang_str(self.state.full_lang_id_from_state());
            self.options.language = found.map(str::to_owned);
        }
        self.passages(length)
    }

    /// What was said within the piece; the engine also writes about the silence after it.
    fn passages(&self, length: Duration) -> Result<Vec<Passage>, Failure> {
        let mut passages = Vec::new();
        for segment in self.state.as_iter() {
            let text = segment
                .to_str_lossy()
                .map_err(|error| Failure::engine(format!("the engine failed: {error}")))?;
            let start = centiseconds(segment.start_timestamp());
            let end = centiseconds(segment.end_timestamp()).min(length);
            if start < length && !text.trim().is_empty() {
                let text = text.trim().to_owned();
                passages.push(Passage { start, end: end.max(start), text });
            }
        }
        Ok(passages)
    }
}

impl Options {
    fn of(work: &Work) -> Result<Self, Failure> {
        let language = work.language.as_deref().map(str::to_lowercase);
        if let Some(language) = &language {
            let is_known = !language.contains('\0') && get_lang_id(language).is_some();
            if !is_known {
                return Err(Failure::engine(format!(
                    "the engine knows no language `{language}`; languages have two letters, such \
                     as `en`"
                )));
            }
        }
        let present = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let present = u32::try_from(present).unwrap_or(THREADS_DEFAULT).min(THREADS_DEFAULT);
        let threads = work.threads.unwrap_or(present).clamp(1, THREADS_MAX);
        Ok(Self {
            language,
            translate: work.translate,
            // The engine takes the text as C does.
            prompt: work.prompt.as_ref().map(|prompt| prompt.replace('\0', " ")),
            threads: i32::try_from(threads).expect("it is clamped"),
        })
    }

    fn parameters(&self) -> FullParams<'_, '_> {
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 2 });
        parameters.set_n_threads(self.threads);
        parameters.set_translate(self.translate);
        parameters.set_language(Some(self.language.as_deref().unwrap_or("auto")));
        if let Some(prompt) = &self.prompt {
            parameters.set_initial_prompt(prompt);
        }
        parameters.set_print_special(false);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_timestamps(false);
        parameters
    }
}

/// The engine counts in hundredths of a second.
fn centiseconds(count: i64) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(0).saturating_mul(10))
}

/// How long so many samples last.
pub(crate) fn duration(samples: usize) -> Duration {
    let samples = u64::try_from(samples).expect("a length fits");
    Duration::from_millis(samples * 1000 / u64::from(RATE))
}
