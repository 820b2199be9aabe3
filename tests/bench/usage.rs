use std::fmt;
use std::fs;

use crate::fault::Fault;

/// Clock ticks in a second, as Linux shows them to programs.
const TICKS: f64 = 100.0;

/// What a process has used, and for how many records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) records: u64,
    /// User and system, all threads.
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_megabytes: f64,
}

impl Usage {
    /// Reads it from `/proc`: the scheduler's nanoseconds of the threads that live, or the ticks of the whole process where threads have ended since.
    pub(crate) fn of_this_process(records: u64) -> Result<Self, Fault> {
        let cpu_seconds = ticks("self")?.max(nanoseconds().unwrap_or_default() / 1e9);
        Ok(Self { records, cpu_seconds, peak_megabytes: peak("self")? / 1024.0 })
    }

    /// The last line of a measurement.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut usage = Self::default();
        for part in line.trim().split("; ") {
            let (name, value) = part.split_once(' ')?;
            match name {
                "records" => usage.records = value.parse().ok()?,
                "cpu" => usage.cpu_seconds = value.parse().ok()?,
                "memory" => usage.peak_megabytes = value.parse().ok()?,
                _ => return None,
            }
        }
        Some(usage)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "records {}; cpu {:.4}; memory {:.1}", self.records, self.cpu_seconds, self.peak_megabytes)
    }
}

fn read(path: &str) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(|error| Fault::of(path, error))
}

/// What another process has used so far, in seconds.
pub(crate) fn cpu_of(process: u32) -> Result<f64, Fault> {
    ticks(&process.to_string())
}

/// Bytes that another process has had written to the disk.
pub(crate) fn written_by(process: u32) -> Result<f64, Fault> {
    let path = format!("/proc/{process}/io");
    let text = read(&path)?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.trim().parse().ok()).ok_or_else(|| Fault::of(path, "it has no `write_bytes`"))
}

/// The most memory that another process has had, in kibibytes; none once it has ended.
pub(crate) fn peak_of(process: u32) -> Result<f64, Fault> {
    peak(&process.to_string())
}

fn ticks(process: &str) -> Result<f64, Fault> {
    let stat = read(&format!("/proc/{process}/stat"))?;
    // The name of the program may hold blanks; it ends at the last bracket.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}

fn nanoseconds() -> Option<f64> {
    let mut sum = 0.0;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        sum += text.split_whitespace().next()?.parse::<f64>().ok()?;
    }
    Some(sum)
}

/// In kibibytes.
fn peak(process: &str) -> Result<f64, Fault> {
    let status = read(&format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_measurement_prints_is_read_back() {
        let usage = Usage { records: 12, cpu_seconds: 0.25, peak_megabytes: 3.5 };
        let read = Usage::parse(&format!("{usage}\n")).unwrap();
        assert_eq!(read.to_string(), usage.to_string());
        assert!(Usage::parse("done").is_none());
    }

    #[test]
    fn work_costs_time_and_memory() {
        let mut sum = 0_u64;
        for number in 0..20_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
        let usage = Usage::of_this_process(sum).unwrap();
        assert!(usage.cpu_seconds > 0.0 && usage.peak_megabytes > 0.5);
    }
}
