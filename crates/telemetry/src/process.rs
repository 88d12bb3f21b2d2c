//! What the process itself uses, read from `/proc/self` at every scrape; elsewhere than on Linux only its uptime.

use std::fs;
use std::time::Instant;

use crate::{Meter, Type};

/// `USER_HZ`: what the kernel counts CPU time in towards programs, the same on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

const BYTES_PER_KB: f64 = 1024.0;

/// Adds `otelcol_process_uptime`, `otelcol_process_cpu_seconds` and `otelcol_process_memory_rss` to the meter.
/// Uptime counts from now.
pub fn observe_process(meter: &Meter) {
    let start = Instant::now();
    let uptime = move || start.elapsed().as_secs_f64();
    meter.observe("otelcol_process_uptime", "Uptime of the process", Type::Counter, &[], uptime);
    meter.set_unit("otelcol_process_uptime", "s");
    if cpu_seconds().is_some() {
        let name = "otelcol_process_cpu_seconds";
        let help = "Total CPU user and system time in seconds";
        meter.observe(name, help, Type::Counter, &[], || cpu_seconds().unwrap_or(f64::NAN));
        meter.set_unit(name, "s");
    }
    if rss_bytes().is_some() {
        let name = "otelcol_process_memory_rss";
        let help = "Total physical memory (resident set size)";
        meter.observe(name, help, Type::Gauge, &[], || rss_bytes().unwrap_or(f64::NAN));
        meter.set_unit(name, "By");
    }
}

fn cpu_seconds() -> Option<f64> {
    parse_cpu_seconds(&fs::read_to_string("/proc/self/stat").ok()?)
}

fn rss_bytes() -> Option<f64> {
    parse_rss_bytes(&fs::read_to_string("/proc/self/status").ok()?)
}

/// User and system time are fields 14 and 15 of `stat`; the name, field 2, may hold spaces and brackets.
fn parse_cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn parse_rss_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * BYTES_PER_KB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_and_memory_are_read_whatever_the_process_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 9 0 0 0 250 50 1 2 20 0 4 0 100 200 300";
        assert_eq!(parse_cpu_seconds(stat), Some(3.0));
        assert_eq!(parse_rss_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152.0));
        assert_eq!(parse_cpu_seconds("7 (a"), None);
        assert_eq!(parse_rss_bytes("VmRSS: much"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_uses_memory() {
        let meter = Meter::default();
        observe_process(&meter);
        let families = meter.collect();
        let names: Vec<_> = families.iter().map(|family| family.name.as_str()).collect();
        let expected =
            ["otelcol_process_cpu_seconds", "otelcol_process_memory_rss", "otelcol_process_uptime"];
        assert_eq!(names, expected);
        assert!(families[1].samples[0].value > 65_536.0);
    }
}
