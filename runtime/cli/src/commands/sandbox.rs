//! `migr sandbox`: a server that stands in for the destination.

use std::time::Duration;

use migr_sandbox::{Faults, RateLimit, SandboxOptions, TwentyVersion};

use crate::args::{SandboxArguments, SandboxVersion};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;

/// Serves a sandbox until it is interrupted.
pub(crate) async fn run(arguments: &SandboxArguments, console: Console) -> Result<Exit, Fault> {
    let rate = arguments.rate.as_deref().map(parse_rate).transpose()?;
    let options = SandboxOptions {
        state: arguments.state.clone(),
        port: arguments.port,
        rate,
        latency: Duration::from_millis(arguments.latency),
        faults: Faults { seed: arguments.seed, ..parse_faults(&arguments.fail)? },
        version: match arguments.version {
            SandboxVersion::Newer => TwentyVersion::V2_19,
            SandboxVersion::Older => TwentyVersion::V1_10,
        },
        seed: true,
        workflows: arguments.workflows,
        ..SandboxOptions::default()
    };
    let sandbox = migr_sandbox::start(options)
        .await
        .map_err(|error| Fault::failed(format!("the sandbox did not start: {error}")))?;
    console.result(format_args!("{}\n", sandbox.url()));
    console.news(format_args!("token: {}", sandbox.token()));
    console.news("a sandbox of Twenty is serving; Ctrl-C ends it");
    tokio::select! {
        () = sandbox.wait() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    sandbox.stop().await;
    Ok(Exit::Done)
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
            other => {
                let kinds = "500, 429, reset, timeout, slow, json, half";
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
    fn failures_are_a_share_or_shares_by_kind() {
        let halves = parse_faults("8").unwrap();
        assert_eq!((halves.percent_500, halves.percent_reset_before, halves.percent_reset_after), (4.0, 2.0, 2.0));
        let kinds = parse_faults("500=5, reset=2,timeout=0.5,slow=1,json=3,half=4,429=6").unwrap();
        assert_eq!((kinds.percent_500, kinds.percent_reset_before, kinds.percent_reset_after), (5.0, 1.0, 1.0));
        assert_eq!((kinds.percent_timeout, kinds.percent_slow, kinds.percent_bad_json), (0.5, 1.0, 3.0));
        assert_eq!((kinds.percent_half, kinds.percent_429), (4.0, 6.0));
        for wrong in ["101", "x", "boom=1", "500", "500=", "500=5,reset"] {
            assert!(parse_faults(wrong).is_err(), "{wrong}");
        }
    }
}
