//! What a service shows to Prometheus.

use std::collections::BTreeSet;

use super::Server;

/// The settings of a service that shows metrics.
pub const SHOWN: (&str, &str) = ("METRICS_BIND", "127.0.0.1:0");

/// What was shown, as text.
pub struct Metrics(pub String);

impl Server {
    /// What it shows now; it was started with [`SHOWN`].
    pub async fn metrics(&self) -> Metrics {
        let line = self.lines("metrics are at /metrics", 1).await.remove(0);
        let response = reqwest::get(format!("http://{}/metrics", line["fields"]["address"].as_str().unwrap())).await.unwrap();
        assert_eq!(response.status(), 200);
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(media_type.starts_with("application/openmetrics-text"), "{media_type}");
        let text = response.text().await.unwrap();
        assert!(text.ends_with("# EOF\n"), "{text}");
        Metrics(text)
    }
}

impl Metrics {
    /// The value of a series, as it is written: `name{label="value"}`. 0 where there is none.
    pub fn value(&self, series: &str) -> f64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// How many series of this name there are.
    pub fn count(&self, name: &str) -> usize {
        self.0.lines().filter(|line| line.starts_with(name)).count()
    }

    /// The names of all series, with the endings that counters and histograms have.
    pub fn names(&self) -> BTreeSet<String> {
        let types = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let names = types.flat_map(|(name, kind)| {
            let endings: &[&str] = match kind {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_count", "_sum"],
                "info" => &["_info"],
                _ => &[""],
            };
            endings.iter().map(move |ending| format!("{name}{ending}"))
        });
        names.collect()
    }
}
