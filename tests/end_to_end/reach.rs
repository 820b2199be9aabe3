//! How a destination is reached: through a proxy, by certificates of one's own, within what it allows in a day; and that nothing else is reached.
//!
//! The certificates in `tls/` were made once with `openssl`; they open nothing.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::clinic::{clinic, others};
use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::wire::{Act, Wire};

const RUN: &[&str] = &["run", "--no-approval"];

/// Adds settings to the destination of a project's spec.
pub(crate) fn with_settings(project: &Project, settings: &str) {
    let spec = project.read("migration.migr");
    let with = spec.replace(
        "token = secret(\"TWENTY_STAGING_KEY\") }",
        &format!("token = secret(\"TWENTY_STAGING_KEY\"); {settings} }}"),
    );
    assert_ne!(spec, with);
    project.write("migration.migr", &with);
}

/// A proxy that leads everywhere to one place, and writes down where it was asked to lead.
struct Proxy {
    address: String,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Proxy {
    fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (noted, server) = (Arc::clone(&noted), server.clone());
                std::thread::spawn(move || lead(client, &server, &noted));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().cloned().collect()
    }
}

fn lead(mut client: TcpStream, server: &str, noted: &Mutex<BTreeSet<String>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    let words: Vec<&str> = first.split(' ').collect();
    noted.lock().unwrap().insert(if words[0] == "CONNECT" { words[1].to_owned() } else { first.clone() });
    let mut server = TcpStream::connect(server).ok()?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    let (mut there, mut back) = (server.try_clone().ok()?, client.try_clone().ok()?);
    let answers = std::thread::spawn(move || std::io::copy(&mut there, &mut back));
    std::io::copy(&mut reader, &mut server).ok()?;
    server.shutdown(std::net::Shutdown::Write).ok()?;
    answers.join().ok()?.ok().map(drop)
}

/// `migr` in an environment with nothing but a way to `https://crm.example` through a proxy.
fn behind(proxy: &Proxy, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> Command {
    let mut command = stand_in.command_over("https://crm.example", project.path(), arguments);
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"] {
        command.env_remove(variable);
    }
    // No address but this one can be asked for.
    command.env("HTTPS_PROXY", &proxy.address).env("HTTP_PROXY", &proxy.address);
    command
}

#[test]
fn every_connection_goes_to_the_destinations_host_offline_commands_make_none_and_all_that_is_kept_is_in_the_project() {
    let project = clinic(2);
    with_settings(&project, "certificates = \"authority.pem\"");
    project.write("authority.pem", include_str!("tls/authority.pem"));
    let stand_in = StandIn::new();
    others(&stand_in);
    let wire = Wire::secured(&stand_in.url(), |_| Act::Pass);
    let proxy = Proxy::to(wire.address());
    let elsewhere = tempfile::tempdir().unwrap();
    let ran = |arguments: &[&str], code: i32| {
        let mut command = behind(&proxy, &stand_in, &project, arguments);
        for variable in ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
            command.env(variable, elsewhere.path());
        }
        Ran::from(command.output().unwrap()).exits(code)
    };
    ran(&["audit"], 1);
    ran(&["setup"], 0);
    ran(RUN, 5);
    ran(&["verify"], 0);
    let asked = wire.asked();
    assert!(asked > 40, "{asked} requests");
    assert_eq!(proxy.asked(), ["crm.example:443"]);
    for (arguments, code) in [
        (["plan", "--full"].as_slice(), 0),
        (&["audit", "--offline"], 1),
        (&["report"], 0),
        (&["status"], 0),
        (&["quarantine", "list"], 0),
        (&["journal"], 0),
        (&["journal", "--verify"], 0),
        (&["why", "P1"], 0),
        (&["graph"], 0),
    ] {
        ran(arguments, code);
    }
    for arguments in [["check"].as_slice(), &["test"], &["fmt"], &["explain", "E0302"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migr"));
        command.args(arguments).current_dir(project.path()).env("HTTPS_PROXY", &proxy.address);
        let ran = Ran::from(command.env("HTTP_PROXY", &proxy.address).output().unwrap());
        assert!(ran.code <= 1, "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(wire.asked(), asked, "an offline command asked for something");
    ran(&["rollback"], 0);
    assert_eq!(proxy.asked(), ["crm.example:443"]);
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "something is kept outside the project");
}

#[test]
fn a_server_whose_certificate_nobody_trusts_is_not_spoken_to_and_it_is_said_what_to_do() {
    let project = clinic(2);
    let stand_in = StandIn::new();
    let wire = Wire::secured(&stand_in.url(), |_| Act::Pass);
    let proxy = Proxy::to(wire.address());
    let ran = Ran::from(behind(&proxy, &stand_in, &project, RUN).output().unwrap()).exits(3);
    assert!(
        ran.stderr.contains(
            "\nerror: https://crm.example shows a certificate that is not trusted here (invalid peer certificate: "
        ) && ran.stderr.ends_with("name its file in the destination's `certificates`\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(wire.asked(), 0);
    with_settings(&project, "certificates = \"missing.pem\"");
    let ran = Ran::from(behind(&proxy, &stand_in, &project, RUN).output().unwrap()).exits(2);
    assert!(ran.stderr.contains("cannot read missing.pem, which holds the `certificates`"), "{}", ran.stderr);
}

#[test]
fn the_requests_that_a_time_allows_are_kept_to_and_wait_goes_on_by_itself() {
    let expected = {
        let (project, stand_in) = (clinic(1), StandIn::new());
        stand_in.migr(&project, RUN).exits(5);
        stand_in.fingerprint()
    };
    let (project, stand_in) = (clinic(1), StandIn::new());
    // Longer than any test, and then as short as a day in which a run ends: what changes here is not the migration.
    with_settings(&project, "requests = 24 per 48h; timeout = 90s");
    let ran = stand_in.migr(&project, RUN).exits(3);
    assert!(
        ran.stderr.contains("error: the 24 requests per 48h that http://127.0.0.1:")
            && ran.stderr.contains(" is allowed are used up until 20")
            && ran
                .stderr
                .ends_with(" UTC. Run again then, or let `migr run --wait` do it; the run goes on where it stopped\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(stand_in.requests(), 24);
    stand_in.migr(&project, RUN).exits(3);
    assert_eq!(stand_in.requests(), 24, "the next run knows");
    let spec = project.read("migration.migr").replace("24 per 48h", "500 per 3s");
    project.write("migration.migr", &spec);
    stand_in.migr(&project, RUN).exits(5);
    assert_eq!(stand_in.fingerprint(), expected, "what is allowed may change while a migration is under way");
    let (project, stand_in) = (clinic(1), StandIn::new());
    with_settings(&project, "requests = 36 per 20s");
    let ran = stand_in.migr(&project, &["run", "--no-approval", "--wait"]).exits(5);
    assert!(
        ran.stderr.contains("\nwaiting; Ctrl-C stops, and `migr run` goes on where it stopped\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(stand_in.fingerprint(), expected);
}

#[test]
fn to_wait_for_too_few_requests_ever_to_begin_is_given_up_with_what_to_do() {
    let (project, stand_in) = (clinic(2), StandIn::new());
    with_settings(&project, "requests = 3 per 3s");
    let ran = stand_in.migr(&project, &["run", "--no-approval", "--wait"]).exits(3);
    assert!(ran.stderr.contains("to wait for more leads nowhere"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`requests = N per TIME`"), "{}", ran.stderr);
}
