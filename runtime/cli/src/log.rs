//! Logs on stderr. They hold no value of a record and no secret: the crates that write them see to that.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::args::LogForm;

/// Writes logs to stderr from now on; `RUST_LOG` says how much.
pub(crate) fn to_stderr(form: LogForm) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,migr_load=debug,migr_connect=debug,migr_engine=info"));
    // A span is told when it ends, with how long it took.
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_span_events(FmtSpan::CLOSE);
    // Only a second subscriber in this process could be refused, and there is none.
    let _ = match form {
        LogForm::Text => builder.try_init(),
        LogForm::Json => builder.json().try_init(),
    };
}
