//! `migr sandbox`: a server that stands in for the destination.

use std::time::Duration;

use migr_sandbox::{Faults, RateLimit, System, Wanted};

use crate::args::SandboxArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;

/// Serves a sandbox until it is interrupted.
pub(crate) async fn run(arguments: &SandboxArguments, console: Console) -> Result<Exit, Fault> {
    let Some(system) = migr_sandbox::system(&arguments.system) else {
        return Err(Fault::usage(format!("there is no sandbox of `{}`", arguments.system)));
    };
    of_the_system(system, arguments)?;
    let started = (system.start)(wanted(arguments)?).await;
    let sandbox = started.map_err(|error| Fault::failed(format!("the sandbox did not start: {error}")))?;
    console.result(format_args!("{}\n", sandbox.url()));
    console.news(format_args!("token: {}", sandbox.token()));
    // Settings that a destination needs besides, such as a location.
    for (name, value) in system.settings {
        let chosen = arguments.location.as_deref().filter(|_| *name == "location");
        console.news(format_args!("{name}: {}", chosen.unwrap_or(value)));
    }
    console.news(format_args!("a sandbox of {} is serving; Ctrl-C ends it", system.title));
    tokio::select! {
        () = sandbox.wait() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    sandbox.stop().await;
    Ok(Exit::Done)
}

/// The refusal of an option that is another system's.
fn of_the_system(system: &System, arguments: &SandboxArguments) -> Result<(), Fault> {
    let given = [
        ("lag", arguments.lag.is_some()),
        ("daily", arguments.daily.is_some()),
        ("location", arguments.location.is_some()),
        ("before", arguments.before.is_some()),
        ("without-scope", !arguments.without_scope.is_empty()),
        ("workflows", arguments.workflows),
        ("version", arguments.version.is_some()),
    ];
    match given.iter().find(|(option, given)| *given && !system.options.contains(option)) {
        Some((option, _)) => Err(Fault::usage(format!("`--{option}` is no option of a sandbox of {}", system.title))),
        None => Ok(()),
    }
}

fn wanted(arguments: &SandboxArguments) -> Result<Wanted, Fault> {
    let before = arguments.before.as_deref().map(|path| {
        let unreadable = |why: String| Fault::usage(format!("cannot read {}: {why}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))
    });
    Ok(Wanted {
        state: arguments.state.clone(),
        port: arguments.port,
        rate: arguments.rate.as_deref().map(parse_rate).transpose()?,
        daily: arguments.daily,
        latency: Duration::from_millis(arguments.latency),
        faults: Faults { seed: arguments.seed, ..parse_faults(&arguments.fail)? },
        people: Vec::new(),
        lag: arguments.lag.as_deref().map(parse_lag).transpose()?,
        location: arguments.location.clone(),
        before: before.transpose()?,
        without_scopes: arguments.without_scope.clone(),
        workflows: arguments.workflows,
        version: arguments.version.map(|version| version.name().to_owned()),
    })
}

/// `12s`, or a number of seconds.
fn parse_lag(text: &str) -> Result<Duration, Fault> {
    let seconds: Option<f64> = text.trim().trim_end_matches('s').trim_end().parse().ok();
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| Fault::usage(format!("`--lag {text}` is no number of seconds, as 12s is")))
}

/// `100/60s`: requests per seconds.
fn parse_rate(text: &str) -> Result<RateLimit, Fault> {
    let parsed = text.split_once('/').and_then(|(requests, seconds)| {
        let requests: u32 = requests.trim().parse().ok()?;
        let seconds: f64 = seconds.trim().trim_end_matches('s').parse().ok()?;
        (requests > 0 && seconds > 0.0 && seconds.is_finite())
            .then(|| RateLimit { requests, per: Duration::from_secs_f64(seconds) })
    });
    parsed.ok_or_else(|| Fault::usage(format!("`--rate {text}` is not of the form 100/60s")))
}

/// `5`: half answered 500, half reset; or `500=5,reset=2`: shares by kind.
fn parse_faults(text: &str) -> Result<Faults, Fault> {
    let share = |text: &str| {
        let share: Option<f64> = text.trim().trim_end_matches('%').trim_end().parse().ok();
        let share = share.filter(|share| (0.0..=100.0).contains(share));
        share.ok_or_else(|| Fault::usage(format!("`--fail {text}` is not a share between 0 and 100 percent")))
    };
    let mut faults = Faults::default();
    if !text.contains('=') {
        let quarter = share(text)? / 4.0;
        (faults.percent_500, faults.percent_reset_before, faults.percent_reset_after) =
            (quarter * 2.0, quarter, quarter);
        return Ok(faults);
    }
    for part in text.split(',') {
        let (kind, percent) = part.split_once('=').unwrap_or((part, ""));
        let percent = share(percent)?;
        match kind.trim() {
            "500" => faults.percent_500 = percent,
            "429" => faults.percent_429 = percent,
            "reset" => (faults.percent_reset_before, faults.percent_reset_after) = (percent / 2.0, percent / 2.0),
            "timeout" => faults.percent_timeout = percent,
            "slow" => faults.percent_slow = percent,
            "json" => faults.percent_bad_json = percent,
            "half" => faults.percent_half = percent,
            "422" => faults.percent_contradiction = percent,
            other => {
                let kinds = "500, 429, 422, reset, timeout, slow, json, half";
                return Err(Fault::usage(format!("`--fail` knows no kind `{other}`; there are {kinds}")));
            }
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_requests_per_seconds() {
        let rate = parse_rate("100/60s").unwrap();
        assert_eq!((rate.requests, rate.per), (100, Duration::from_secs(60)));
        assert!(parse_rate("100").is_err() && parse_rate("0/1s").is_err() && parse_rate("1/0s").is_err());
    }

    #[test]
    fn a_lag_is_a_number_of_seconds() {
        assert_eq!(parse_lag("2s").unwrap(), Duration::from_secs(2));
        assert_eq!(parse_lag("0.5").unwrap(), Duration::from_millis(500));
        assert!(parse_lag("-1").is_err() && parse_lag("soon").is_err());
    }

    #[test]
    fn failures_are_a_share_or_shares_by_kind() {
        let halves = parse_faults("8").unwrap();
        assert_eq!((halves.percent_500, halves.percent_reset_before, halves.percent_reset_after), (4.0, 2.0, 2.0));
        let kinds = parse_faults("500=5, reset=2,timeout=0.5,slow=1,json=3,half=4,429=6,422=7").unwrap();
        assert_eq!((kinds.percent_500, kinds.percent_reset_before, kinds.percent_reset_after), (5.0, 1.0, 1.0));
        assert_eq!((kinds.percent_timeout, kinds.percent_slow, kinds.percent_bad_json), (0.5, 1.0, 3.0));
        assert_eq!((kinds.percent_half, kinds.percent_429, kinds.percent_contradiction), (4.0, 6.0, 7.0));
        for wrong in ["101", "x", "boom=1", "500", "500=", "500=5,reset"] {
            assert!(parse_faults(wrong).is_err(), "{wrong}");
        }
    }
}
