//! Tests through the program `migr`, as a user runs it: arguments in, streams, files and an exit code out. The destination is the sandbox over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::naive_bytecount,
    reason = "a test fails by panicking, in its helpers too, and says on stderr what it left out"
)]

mod accepted;
mod allowance;
mod answers;
mod approved;
mod arrived;
mod as_written;
mod bad_exports;
mod bad_files;
mod check;
mod check_rows;
mod checklist;
mod clinic;
mod clock;
mod conformance;
mod counted;
mod crash;
mod crowded;
mod deals;
mod degraded;
mod delta;
mod demo;
mod elements;
mod escaped;
mod estimated;
mod exchanged;
mod faulty;
mod files;
mod filled;
mod full_disk;
mod given;
mod going_on;
mod harness;
mod hosted;
mod hostile;
mod in_silence;
mod killed;
mod kinds;
mod lagging;
mod later_values;
mod lies;
mod life;
mod location_lacks;
mod long_text;
mod lost_in_location;
mod lying;
mod moved;
mod mutated;
mod named;
mod odd_files;
mod older;
mod once;
mod outside;
mod people_meanwhile;
mod plan;
mod policies;
mod practice;
mod practice_arrived;
mod practice_truth;
mod practice_words;
mod preload;
mod preview;
mod published;
mod reach;
mod read_once;
mod reasons;
mod rehearsed;
mod rights;
mod role;
mod run;
mod sampled;
mod screens;
mod secrets;
mod served;
mod shared_phones;
mod small;
mod spec_tests;
mod spelt_otherwise;
mod stages;
mod stand_in;
mod studio;
mod surveyed;
mod taken_back;
mod templates;
mod theirs;
mod told;
mod trusted;
mod undocumented;
mod untold;
mod vendor;
mod web_host;
mod whose;
mod why;
#[expect(dead_code, reason = "ways to fail that another suite takes")]
mod wire;
mod words;
mod workflows;
mod workspaces;
mod writes;
