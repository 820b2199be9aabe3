//! Shows what happens while it happens: bars on a terminal, lines elsewhere, JSON where asked for.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use migr_engine::{Event, Progress};
use migr_escape::in_columns;
use migr_journal::SetupNote;
use migr_plan::{Step, StepKind};
use migr_report::words::{count, grouped};

use crate::args::EventFormat;
use crate::console::Console;

/// The version of the events' JSON form.
const FORMAT_VERSION: u32 = 1;

/// Columns from which a terminal has room for a bar.
const WIDE: usize = 120;

/// Columns of a step's name before its bar.
const NAME: usize = 26;

/// The first line of a stream of JSON.
pub(crate) fn version_line() -> String {
    format!("{}\n", serde_json::json!({ "type": "version", "format_version": FORMAT_VERSION }))
}

/// Shows events in the form asked for.
#[derive(Debug)]
pub(crate) struct Shown {
    console: Console,
    format: EventFormat,
    step: Mutex<Option<StepShown>>,
}

/// The step under way.
#[derive(Debug)]
struct StepShown {
    bar: ProgressBar,
    what: String,
    records: u64,
    set_aside: u64,
}

impl Shown {
    /// Begins to show events; a stream of JSON begins with its version.
    pub(crate) fn new(console: Console, format: EventFormat) -> Self {
        if format == EventFormat::Jsonl {
            console.json(version_line());
        }
        Self { console, format, step: Mutex::new(None) }
    }

    /// True where events are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format == EventFormat::Jsonl
    }

    /// Ends a stream of JSON with its summary.
    pub(crate) fn summary(&self, mut summary: serde_json::Value) {
        if self.is_json() {
            if let Some(object) = summary.as_object_mut() {
                object.shift_insert(0, "type".to_owned(), "summary".into());
            }
            self.console.json(format_args!("{summary}\n"));
        }
    }

    fn begin(&self, step: &str, destination: &str, noun: &str) {
        let step = in_words(step);
        let bar = if self.console.draws_progress() {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(style("{spinner} {prefix:<26} {msg}"));
        bar.set_prefix(in_columns(&format!("{step} → {destination}"), NAME));
        bar.set_message(noun.to_owned());
        if self.console.draws_progress() {
            // Only now: a bar draws itself as soon as it ticks.
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        let step = StepShown { bar, what: format!("{step} → {destination}"), records: 0, set_aside: 0 };
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
    }

    fn change(&self, change: impl FnOnce(&mut StepShown)) {
        if let Some(step) = self.step.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            change(step);
        }
    }

    fn end(&self) {
        let step = self.step.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(step) = step {
            step.bar.finish_and_clear();
            let aside =
                if step.set_aside == 0 { String::new() } else { format!(", {} quarantined", grouped(step.set_aside)) };
            self.console.news(format_args!("  {:<40} {:>9} written{aside}", step.what, grouped(step.records)));
        }
    }
}

/// A step in words: what it is of, and what it does where it does not write a map's records.
fn in_words(step: &str) -> String {
    let step = Step::parse(step);
    let stage = step.stage;
    match step.kind {
        StepKind::Records => stage,
        StepKind::Links(field) => format!("{stage}.{field}"),
        StepKind::Deferred => format!("{stage}, references"),
        StepKind::Changes => format!("{stage}, changed"),
        StepKind::Backfill => format!("{stage}, filled in"),
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("pace", |state: &ProgressState, line: &mut dyn fmt::Write| {
        // What cannot be drawn is not worth an error.
        let _ = line.write_str(&pace(state.pos(), state.per_sec(), state.eta()));
    })
}

/// Records a second and the time that is left; nothing before the first record.
fn pace(records: u64, per_second: f64, left: Duration) -> String {
    if records == 0 {
        return String::new();
    }
    let digits = usize::from(per_second < 10.0);
    format!("  {per_second:.digits$}/s  {} left", HumanDuration(left))
}

impl Progress for Shown {
    fn event(&self, event: Event) {
        if self.is_json() {
            if let Ok(line) = serde_json::to_string(&event) {
                self.console.json(format_args!("{line}\n"));
            }
            return;
        }
        match event {
            Event::StepStarted { step, destination_object, .. } => self.begin(&step, &destination_object, "reading"),
            Event::Read { pending, .. } => self.change(|step| {
                step.bar.set_length(pending);
                step.bar.set_style(style(if self.console.width() < WIDE {
                    // Room for the pace and for what is left; what is quarantined is said when the step is done.
                    "{spinner} {prefix:<26} {human_pos:>7}/{human_len}{pace}"
                } else {
                    "{spinner} {prefix:<26} {bar:24} {human_pos:>7}/{human_len}{pace}  {msg}"
                }));
                step.bar.set_message("");
            }),
            Event::Written { records, .. } | Event::Verified { records, .. } | Event::TakenBack { records, .. } => {
                self.change(|step| {
                    step.records += records;
                    step.bar.inc(records);
                });
            }
            Event::SetAside { records, .. } => self.change(|step| {
                step.set_aside += records;
                step.bar.set_message(format!("{} quarantined", grouped(step.set_aside)));
            }),
            Event::Compared { .. } => {}
            Event::Adopted { step, records } => self.console.news(format_args!(
                "  {step}: {} there already, by ids of this migration that its journal does not know: `migr rollback` leaves {}, `--adopted` destroys {} too",
                count(records, "record is", "records are"),
                if records == 1 { "it" } else { "them" },
                if records == 1 { "it" } else { "them" },
            )),
            Event::Waiting { seconds, reason } => self.console.news(format_args!("  waiting {seconds} s: {reason}")),
            Event::StepDone { .. } => self.end(),
            // Those are counted behind the rest, however many they are.
            Event::Setup { outcome, .. } if outcome == SetupNote::ALREADY_THERE => {}
            Event::Setup { action, outcome } => self.console.news(format_args!("  {action}: {outcome}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_told_from_the_first_record_on() {
        assert_eq!(pace(0, 0.0, Duration::ZERO), "");
        assert_eq!(pace(3, 3.25, Duration::from_secs(95)), "  3.2/s  2 minutes left");
        assert_eq!(pace(9_000, 1_234.6, Duration::from_secs(7)), "  1235/s  7 seconds left");
    }
}
