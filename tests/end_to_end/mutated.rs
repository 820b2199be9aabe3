//! Specs and exports with pieces changed at random: each is answered with findings or a clear error, within 500 MB and 10 seconds; never by a panic, a crash or
//! a hang. `MIGR_MUTATIONS=10000 MIGR_SEED=1` is the long form, by hand.
#![cfg(unix)]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::clinic::clinic;
use crate::harness::{Ran, number};

/// Pieces that mean something somewhere, put where they mean nothing.
const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "|",
    "=",
    "->",
    "\"",
    ";",
    ",",
    ".",
    "\n",
    "\r",
    "\0",
    "\t",
    "\u{202e}",
    "\u{1b}[2J",
    "é👍",
    "``",
    "\\",
    "{x}",
    " none ",
    " otherwise ",
    " if ",
    " new ",
    " select { A } ",
    " default ",
    " 99999999999999999999 ",
    "-0.0",
    "1e999",
    "9999-99-99",
    "0000-00-00",
    "map A -> b {\n",
    "extend ",
    "override ",
    "many ",
    " through ",
    "list(",
    " existing ",
    " by ",
    "value",
    "use \"main\"\n",
    "transform t(x) = x | t\n",
    "=1+1",
    "\u{feff}",
    "\"\"\"",
    "http://127.0.0.1/x",
    "../../etc/passwd",
];

/// One round of SplitMix64: the same seed makes the same changes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most.max(1)).unwrap()).unwrap()
    }
}

/// A text with one to four changes.
fn mutated(text: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len());
        let length = random.below(80).min(text.len() - at);
        match random.below(7) {
            0 => drop(text.drain(at..at + length)),
            1 => {
                let piece = PIECES[random.below(PIECES.len())].as_bytes();
                text.splice(at..at, piece.iter().copied());
            }
            2 => {
                // A piece again and again: what is fine once may not be a thousand times.
                let piece = PIECES[random.below(PIECES.len())].repeat(1 << random.below(14));
                text.splice(at..at, piece.bytes());
            }
            3 => {
                let part = text[at..at + length].repeat(1 << random.below(10));
                text.splice(at..at, part);
            }
            4 => {
                if let Some(byte) = text.get_mut(at) {
                    *byte = u8::try_from(random.below(256)).unwrap();
                }
            }
            5 => {
                let part = text[at..at + length].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, part);
            }
            _ => text.truncate(at),
        }
    }
    text
}

/// Runs `migr` with 500 MB and 10 seconds of the processor; one that only waits is ended after a minute.
fn bounded(folder: &std::path::Path, arguments: &[&str]) -> Option<Output> {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -d 512000; ulimit -t 10; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_migr")])
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = from.read_to_end(&mut bytes);
            bytes
        })
    };
    let (out, err) = (read(Box::new(stdout)), read(Box::new(stderr)));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Some(Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() })
}

#[test]
fn whatever_a_spec_or_an_export_was_changed_to_is_answered_in_bounds() {
    let cases = number("MIGR_MUTATIONS", 40);
    let seed = number("MIGR_SEED", 1);
    let project = clinic(2);
    let mut files: Vec<PathBuf> = vec!["migration.migr".into(), "clinic.migr".into()];
    let export = std::fs::read_dir(project.path().join("export")).unwrap().map(|entry| entry.unwrap());
    files.extend(
        export.filter(|entry| entry.path().is_file()).map(|entry| PathBuf::from("export").join(entry.file_name())),
    );
    files.sort();
    let (mut bad, mut codes) = (Vec::new(), std::collections::BTreeMap::new());
    for case in 0..cases {
        let mut random = Random(seed.wrapping_mul(1_000_003).wrapping_add(case));
        let file = project.path().join(&files[random.below(files.len())]);
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, mutated(&whole, &mut random)).unwrap();
        let arguments: &[&str] =
            [&["check", "--data"][..], &["audit", "--offline"], &["test"], &["plan", "--full"]][random.below(4)];
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match bounded(project.path(), arguments).map(Ran::from) {
            Some(ran) if (0..=6).contains(&ran.code) && !ran.stderr.contains("panicked") => {
                *codes.entry(ran.code).or_insert(0) += 1;
            }
            Some(ran) => bad.push(format!(
                "case {case}, {name}, {arguments:?}: code {}: {}",
                ran.code,
                ran.stderr.chars().take(400).collect::<String>()
            )),
            None => bad.push(format!("case {case}, {name}, {arguments:?}: no end")),
        }
        std::fs::write(&file, whole).unwrap();
        let _ = std::fs::remove_file(project.path().join("migr.lock"));
    }
    eprintln!("{cases} mutations with seed {seed}: exit codes {codes:?}, {} bad", bad.len());
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
