//! The process itself, under the names that Prometheus' own libraries give. From `/proc`, so on Linux alone; elsewhere they stay at 0.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What the process takes.
#[derive(Default)]
pub(super) struct Process {
    memory: Gauge,
    files: Gauge,
    threads: Gauge,
    cpu: Counter<f64, AtomicU64>,
    start: Gauge<f64, AtomicU64>,
    tasks: Gauge,
}

impl Process {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let process = Self::default();
        registry.register("process_resident_memory_bytes", "Memory that the process has", process.memory.clone());
        registry.register("process_open_fds", "Files and connections that are open", process.files.clone());
        registry.register("process_threads", "Threads", process.threads.clone());
        registry.register("process_cpu_seconds", "Time of processors that was used", process.cpu.clone());
        registry.register("process_start_time_seconds", "When the process began, since 1970", process.start.clone());
        registry.register(
            "autrement_tasks",
            "Tasks of the runtime that are not done: connections, requests, work in the background",
            process.tasks.clone(),
        );
        process
    }

    /// Looks again.
    pub(super) fn look(&self) {
        self.tasks.set(i64::try_from(tokio::runtime::Handle::current().metrics().num_alive_tasks()).unwrap_or(i64::MAX));
        if let Some(pages) = field(&read("statm"), 1) {
            self.memory.set(pages.saturating_mul(i64::try_from(rustix::param::page_size()).unwrap_or_default()));
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            // One of them is the folder that is read.
            self.files.set(i64::try_from(files.count()).unwrap_or(i64::MAX) - 1);
        }
        // After the program's name, which may hold spaces, the third field is the first.
        let stat = read("stat");
        let stat = stat.rsplit(')').next().unwrap_or_default();
        if let Some(threads) = field(stat, 17) {
            self.threads.set(threads);
        }
        #[expect(clippy::cast_precision_loss, reason = "times of a process are small")]
        let seconds = |place| field(stat, place).map(|ticks: i64| ticks as f64 / rustix::param::clock_ticks_per_second() as f64);
        if let (Some(user), Some(system)) = (seconds(11), seconds(12)) {
            self.cpu.inner().store((user + system).to_bits(), Ordering::Relaxed);
        }
        let boot = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let boot = boot.lines().find_map(|line| line.strip_prefix("btime ")?.parse::<f64>().ok());
        if let (Some(boot), Some(since)) = (boot, seconds(19)) {
            self.start.set(boot + since);
        }
    }
}

fn read(file: &str) -> String {
    std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default()
}

fn field(text: &str, place: usize) -> Option<i64> {
    text.split_whitespace().nth(place)?.parse().ok()
}
