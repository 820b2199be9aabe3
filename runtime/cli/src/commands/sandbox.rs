use std::time::Duration;

use migr_sandbox::{Faults, RateLimit, SandboxOptions};

use crate::args::SandboxArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;

/// Serves a stand-in until it is interrupted.
pub(crate) async fn run(arguments: &SandboxArguments, console: Console) -> Result<Exit, Fault> {
    let rate = arguments.rate.as_deref().map(parse_rate).transpose()?;
    if !(0.0..=100.0).contains(&arguments.fail) {
        return Err(Fault::usage(format!("`--fail {}` is not a share between 0 and 100 percent", arguments.fail)));
    }
    let quarter = arguments.fail / 4.0;
    let options = SandboxOptions {
        state: arguments.state.clone(),
        port: arguments.port,
        rate,
        latency: Duration::from_millis(arguments.latency),
        faults: Faults {
            percent_500: quarter * 2.0,
            percent_reset_before: quarter,
            percent_reset_after: quarter,
            ..Faults::default()
        },
        seed: true,
        ..SandboxOptions::default()
    };
    let sandbox = migr_sandbox::start(options)
        .await
        .map_err(|error| Fault::failed(format!("the sandbox did not start: {error}")))?;
    console.result(format_args!("{}\n", sandbox.url()));
    console.news(format_args!("token: {}", sandbox.token()));
    console.news("a stand-in for Twenty is serving; Ctrl-C ends it");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_requests_per_seconds() {
        let rate = parse_rate("100/60s").unwrap();
        assert_eq!((rate.requests, rate.per), (100, Duration::from_secs(60)));
        assert!(parse_rate("100").is_err() && parse_rate("0/1s").is_err() && parse_rate("1/0s").is_err());
    }
}
