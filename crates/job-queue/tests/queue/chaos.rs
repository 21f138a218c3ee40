//! Everything at once.

use std::time::{Duration, Instant};

use job_queue::Options;
use testbed::LIMIT;
use testbed::processes::{Signal, gone};
use tokio::time::sleep;

use crate::host_process::{Host, Metrics};
use crate::task::Task;
use crate::{
    ACK_WAIT, connect, marks, options, stream, until_messages,
    with_nats_for,
};

#[test]
fn no_answer_is_lost_or_wrong_while_workers_and_the_server_are_killed() {
    chaos(200);
}

/// `QUEUE_CHAOS_JOBS` says how many jobs there are. The figures for 10,000 are those of the
/// guide's page.
#[test]
#[ignore = "sweep: a storm of kills of the queue's workers and its server"]
fn sweep_of_kills_of_workers_and_the_server() {
    let jobs = std::env::var("QUEUE_CHAOS_JOBS");
    chaos(jobs.map_or(500, |jobs| jobs.parse().unwrap()));
}

/// Kills and stops workers, and kills the server, while jobs run.
fn chaos(jobs: u64) {
    let (kills, stops, restarts) = (jobs / 50, jobs / 500, 3);
    with_nats_for(10 * LIMIT, async |nats| {
        let queue = connect(Options {
            deliveries: 20,
            in_flight: 100,
            ..options(nats)
        })
        .await;
        let log = nats.file("log");
        let settings = [("deliveries", "20"), ("workers", "2")];
        let url = nats.url();
        let mut workers: Vec<_> =
            (0..4).map(|_| Host::start(&url, &settings)).collect();
        let map = queue
            .map((0..jobs).map(|number| Task::Log(log.clone(), number)));
        let chaos = async {
            let mut random = Random(jobs);
            let mut stopped: Vec<(Instant, Host)> = Vec::new();
            let mut pids = Vec::new();
            let total = kills + stops + restarts;
            for step in 1..=total {
                // The steps are spread over the jobs.
                let due =
                    usize::try_from(step * jobs / (total + 1)).unwrap();
                while marks(&log) < due {
                    sleep(Duration::from_millis(2)).await;
                }
                if step % (total / restarts) == 0 {
                    nats.kill();
                    nats.restart();
                    continue;
                }
                let mut other = Host::spawn(&url, &settings);
                let at = random.below(workers.len());
                std::mem::swap(&mut workers[at], &mut other);
                pids.push(other.id());
                if stops > 0 && step % (total / stops) == 1 {
                    other.signal(Signal::STOP);
                    stopped.push((Instant::now(), other));
                } else {
                    other.signal(Signal::KILL);
                }
                // Long after their jobs were given to others, the stopped ones go on.
                for (since, worker) in &stopped {
                    if since.elapsed() > 2 * ACK_WAIT {
                        worker.signal(Signal::CONT);
                    }
                }
            }
            for (_, worker) in &stopped {
                worker.signal(Signal::CONT);
            }
            (pids, stopped)
        };
        let began = Instant::now();
        let (results, (pids, stopped)) = tokio::join!(map, chaos);
        let took = began.elapsed();
        for (number, result) in results.iter().enumerate() {
            assert_eq!(result.as_deref(), Ok(number.to_string().as_str()));
        }
        let executions = marks(&log);
        let resubmitted = Metrics(queue.metrics().await)
            .get("job_queue_resubmitted_total");
        eprintln!(
            "{jobs} jobs, {kills} kills, {stops} stops, {restarts} kills of the server: {executions} \
             executions, {} duplicate results, {resubmitted} sent again, {took:.1?}",
            queue.duplicates()
        );
        assert!(executions >= results.len());
        until_messages(&stream(nats, "jobs").await, 0).await;
        assert_eq!(queue.dead_letters().list().await, Ok(vec![]));
        drop((workers, stopped));
        for pid in pids {
            gone(pid).await;
        }
    });
}

/// A generator whose numbers are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}
