//! The figures of clients and workers, in the text format of Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{
    Histogram, exponential_buckets,
};
use prometheus_client::registry::{Metric, Registry};

/// From 100 µs to about 100 s.
const BUCKETS: (f64, f64, u16) = (0.000_1, 2.0, 21);

/// The figures of a client.
#[derive(Debug)]
pub struct ClientMetrics {
    registry: Registry,
    pub submitted: Counter,
    pub refused: Counter,
    pub duplicates: Counter,
    pub resubmitted: Counter,
    pub results: Family<Label, Counter>,
    pub latency: Histogram,
    pub outstanding: Gauge,
    /// Jobs in the stream, of all clients together.
    pub depth: Gauge,
    pub dead_letters: Gauge,
}

/// The figures of a worker.
#[derive(Debug)]
pub struct WorkerMetrics {
    registry: Registry,
    pub running: Gauge,
    pub finished: Family<Label, Counter>,
    pub redelivered: Counter,
    pub duplicates: Counter,
    pub canceled: Counter,
    pub rejected: Counter,
    pub handed_back: Counter,
    pub ghosts: Counter,
    pub run_time: Histogram,
}

/// The end of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Label {
    pub outcome: &'static str,
}

impl ClientMetrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("job_queue");
        let r = &mut registry;
        Self {
            submitted: add(r, "submitted", "Jobs that the server accepted"),
            refused: add(
                r,
                "refused",
                "Jobs refused because the queue is full",
            ),
            duplicates: add(
                r,
                "duplicate_results",
                "Results of jobs that had one or were canceled; discarded",
            ),
            resubmitted: add(
                r,
                "resubmitted",
                "Jobs that the server had lost and that were sent again",
            ),
            results: add(r, "results", "Calls by how they ended"),
            latency: histogram(r, "latency_seconds", "From call to result"),
            outstanding: add(
                r,
                "outstanding",
                "Calls that wait for a result",
            ),
            depth: add(r, "depth", "Jobs in the queue, waiting or running"),
            dead_letters: add(
                r,
                "dead_letters",
                "Dead letters on the server",
            ),
            registry,
        }
    }

    pub fn text(&self) -> String {
        text(&self.registry)
    }
}

impl WorkerMetrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("job_worker");
        let r = &mut registry;
        Self {
            running: add(r, "running", "Jobs that this worker has"),
            finished: add(r, "finished", "Jobs by how they ended"),
            redelivered: add(
                r,
                "redelivered",
                "Deliveries of jobs that had been delivered before",
            ),
            duplicates: add(
                r,
                "duplicates",
                "Jobs that turned out to have a result already",
            ),
            canceled: add(r, "canceled", "Jobs canceled by their callers"),
            rejected: add(r, "rejected", "Messages that are not jobs"),
            handed_back: add(
                r,
                "handed_back",
                "Jobs returned to the server for another attempt",
            ),
            ghosts: add(
                r,
                "ghosts",
                "Finished jobs that the server still had after a restart",
            ),
            run_time: histogram(r, "run_seconds", "How long jobs ran"),
            registry,
        }
    }

    pub fn text(&self) -> String {
        text(&self.registry)
    }
}

fn add<M: Metric + Clone + Default>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn histogram(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    let (start, factor, length) = BUCKETS;
    let metric = Histogram::new(exponential_buckets(start, factor, length));
    registry.register(name, help, metric.clone());
    metric
}

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a string never fails.
    encode(&mut text, registry).ok();
    text
}
