//! Workers that die, stop, or can do nothing with a job.

use std::fs;
use std::time::Duration;

use async_nats::HeaderMap;
use futures::StreamExt;
use job_queue::{Error, Options};
use process_pool::Error as PoolError;
use testbed::processes::Signal;
use testbed::soon;
use tokio::time::sleep;

use crate::host_process::Host;
use crate::proxy::{Proxy, Way};
use crate::task::Task;
use crate::{
    ACK_WAIT, client, connect, echo, headers, marks, options, publish, raw,
    stream, until_messages, with_nats,
};

const REDELIVERED: &str = "job_worker_redelivered_total";

const DUPLICATES: &str = "job_worker_duplicates_total";

const REJECTED: &str = "job_worker_rejected_total";

const HANDED_BACK: &str = "job_worker_handed_back_total";

/// Trap 1: without signs of life the job would be delivered again after the acknowledgment time.
#[test]
fn a_job_that_takes_longer_than_the_acknowledgment_time_runs_once() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let workers: Vec<_> =
            (0..2).map(|_| Host::start(&nats.url(), &[])).collect();
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let job = queue.run(Task::Mark(
            mark.clone(),
            Box::new(Task::Wait(go.clone())),
        ));
        let release = async {
            soon("it has begun", || marks(&mark) > 0).await;
            sleep(4 * ACK_WAIT).await;
            fs::write(&go, "").unwrap();
        };
        assert_eq!(tokio::join!(job, release).0, Ok(String::new()));
        assert_eq!(marks(&mark), 1);
        assert_eq!(queue.duplicates(), 0);
        let redelivered: f64 = workers
            .into_iter()
            .map(|worker| worker.stop().get(REDELIVERED))
            .sum();
        assert_eq!(redelivered, 0.0);
    });
}

/// Traps 2, 3 and 4: a worker that was stopped does not learn that another one has its job. Both do
/// it, and the first result is the one that counts.
#[test]
fn a_stopped_workers_job_is_done_elsewhere_and_its_late_result_is_discarded()
 {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let stopped = Host::start(&nats.url(), &[]);
        let job = queue.run(Task::Mark(
            mark.clone(),
            Box::new(Task::Wait(go.clone())),
        ));
        let stop = async {
            soon("it has begun", || marks(&mark) == 1).await;
            stopped.signal(Signal::STOP);
            let other = Host::start(&nats.url(), &[]);
            soon("it runs elsewhere", || marks(&mark) == 2).await;
            fs::write(&go, "").unwrap();
            other
        };
        let (result, other) = tokio::join!(job, stop);
        assert_eq!(result, Ok(String::new()));
        assert_eq!(queue.duplicates(), 0);
        assert_eq!(other.stop().get(REDELIVERED), 1.0);

        stopped.signal(Signal::CONT);
        soon("the late result is counted", || queue.duplicates() == 1)
            .await;
        assert_eq!(stopped.stop().get(DUPLICATES), 1.0);
        let results = stream(nats, "jobs-results").await;
        let ours =
            results.info_with_subjects("jobs.results.*.1").await.unwrap();
        let counts: Vec<_> = ours.collect().await;
        assert!(
            matches!(&counts[..], [Ok((_, 1))]),
            "stored once: {counts:?}"
        );
    });
}

/// Trap 8: the server would keep a job that reached its last delivery forever, and never deliver it.
#[test]
fn a_job_that_kills_its_workers_is_a_dead_letter_and_its_neighbors_are_done()
 {
    with_nats(async |nats| {
        let queue =
            connect(Options { deliveries: 2, ..options(nats) }).await;
        let mark = nats.file("mark");
        // The shell takes the place of the job's process, so its parent is the worker.
        let deadly = Task::Mark(
            mark.clone(),
            Box::new(Task::Exec("kill -9 $PPID".into())),
        );
        let neighbors =
            || queue.map((0..20).map(|number| echo(&number.to_string())));
        let supply = async {
            let mut died = 0;
            loop {
                let mut worker =
                    Host::start(&nats.url(), &[("deliveries", "2")]);
                while worker.is_running() {
                    if queue.outstanding() == 0 {
                        return (died, worker);
                    }
                    sleep(Duration::from_millis(5)).await;
                }
                died += 1;
            }
        };
        let (before, result, after, (died, worker)) = tokio::join!(
            neighbors(),
            queue.run(deadly),
            neighbors(),
            supply
        );
        assert!(before.iter().chain(&after).all(Result::is_ok));
        let Err(Error::DeadLetter(reason)) = result else {
            panic!("{result:?}")
        };
        assert_eq!(reason, "its workers died or hung, in 2 deliveries");
        assert_eq!((died, marks(&mark)), (2, 2));

        let letters = queue.dead_letters().list().await.unwrap();
        let [letter] = &letters[..] else { panic!("{letters:?}") };
        assert_eq!(
            (letter.reason.as_str(), letter.deliveries),
            (reason.as_str(), 2)
        );
        assert!(letter.job_type.ends_with("Task"), "{letter:?}");
        until_messages(&stream(nats, "jobs").await, 0).await;
        assert!(queue.metrics().await.contains("job_queue_dead_letters 1"));

        // After its cause is fixed, it can be sent again. Here it kills another worker.
        let again = queue
            .dead_letters()
            .send_again(letter.sequence)
            .await
            .unwrap()
            .unwrap();
        assert_ne!(again, letter.id);
        soon("it was delivered", || marks(&mark) == 3).await;
        assert_eq!(queue.dead_letters().list().await, Ok(vec![]));
        assert_eq!(
            queue.dead_letters().send_again(letter.sequence).await,
            Ok(None)
        );
        drop(worker);
    });
}

#[test]
fn a_job_that_kills_its_own_process_costs_no_worker() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let mut worker = Host::start(&nats.url(), &[("deliveries", "2")]);
        let result = queue.run(Task::Exit(3)).await;
        assert!(
            matches!(result, Err(Error::Pool(PoolError::WorkerDied(s))) if s.code() == Some(3))
        );
        let letters = queue.dead_letters().list().await.unwrap();
        assert_eq!(
            letters[0].reason,
            "its process died (exit status: 3), in 2 deliveries"
        );
        assert!(worker.is_running());
        queue.dead_letters().remove(letters[0].sequence).await.unwrap();
        assert_eq!(queue.dead_letters().list().await, Ok(vec![]));
    });
}

#[test]
fn a_message_that_is_no_job_is_counted_and_harms_no_worker() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let mut worker = Host::start(&nats.url(), &[]);
        let mut garbage = vec![
            HeaderMap::new(),
            headers("an id"),
            headers("*"),
            headers(""),
        ];
        for (name, value) in [("Job-Format", "2"), ("Job-Limit-Ms", "soon")]
        {
            let mut wrong = headers("some.1");
            wrong.insert(name, value);
            garbage.push(wrong);
        }
        for headers in &garbage {
            publish(nats, headers.clone(), vec![0xff; 100]).await;
        }
        // With the right headers, it is the process of the job that finds the garbage.
        publish(nats, headers("some.1"), vec![0xff; 100]).await;
        raw(nats)
            .await
            .client()
            .publish("jobs.cancel", vec![0xff; 100].into())
            .await
            .unwrap();

        until_messages(&stream(nats, "jobs").await, 0).await;
        assert_eq!(
            queue.run(echo("unharmed")).await.as_deref(),
            Ok("unharmed")
        );
        assert!(worker.is_running());
        let metrics = worker.stop();
        assert_eq!(metrics.get(REJECTED), garbage.len() as f64);
        assert_eq!(
            metrics.get(r#"job_worker_finished_total{outcome="broken"}"#),
            1.0
        );
    });
}

#[test]
fn a_job_of_an_unknown_type_waits_for_a_worker_that_knows_it() {
    with_nats(async |nats| {
        let new = connect(Options {
            job_type: Some("new".into()),
            ..options(nats)
        })
        .await;
        let old = Host::start(
            &nats.url(),
            &[("type", "old"), ("deliveries", "2")],
        );
        let result = new.run(echo("of an unknown type")).await;
        let reason = "no worker for jobs of type new, in 2 deliveries";
        assert_eq!(result, Err(Error::DeadLetter(reason.into())));
        assert_eq!(old.stop().get(HANDED_BACK), 1.0);

        // Which worker gets a job is up to the server. The old one hands it back each time.
        let settings = [("type", "old"), ("deliveries", "1000")];
        let old = Host::start(&nats.url(), &settings);
        let job = new.run(echo("known"));
        let upgrade = async {
            let jobs = stream(nats, "jobs").await;
            let delivered = async || {
                let info = jobs.consumer_info("workers").await.unwrap();
                info.delivered.consumer_sequence
            };
            while delivered().await < 3 {
                sleep(Duration::from_millis(5)).await;
            }
            // A delivery to the old worker counts too.
            Host::start(
                &nats.url(),
                &[("type", "new"), ("deliveries", "1000")],
            )
        };
        let (result, _new_worker) = tokio::join!(job, upgrade);
        assert_eq!(result.as_deref(), Ok("known"));
        assert!(old.stop().get(HANDED_BACK) >= 1.0);
    });
}

#[test]
fn a_worker_that_is_told_to_stop_finishes_its_job_or_hands_it_back() {
    with_nats(async |nats| {
        let hour = Duration::from_secs(3600);
        let queue =
            connect(Options { ack_wait: hour, ..options(nats) }).await;
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let job =
            || Task::Mark(mark.clone(), Box::new(Task::Wait(go.clone())));
        // This one has the time to finish.
        let worker = Host::start(&nats.url(), &[("grace", "60000")]);
        let call = queue.run(job());
        let then = async {
            soon("it has begun", || marks(&mark) == 1).await;
            let stopped =
                tokio::task::spawn_blocking(move || worker.stop());
            sleep(Duration::from_millis(100)).await;
            fs::write(&go, "").unwrap();
            stopped.await.unwrap()
        };
        let (result, metrics) = tokio::join!(call, then);
        assert_eq!(result, Ok(String::new()));
        assert_eq!(metrics.get(HANDED_BACK), 0.0);

        // This one does not. Its job is delivered again at once, and not after the hour.
        fs::remove_file(&go).unwrap();
        let worker = Host::start(&nats.url(), &[("grace", "1")]);
        let call = queue.run(job());
        let then = async {
            soon("it has begun", || marks(&mark) == 2).await;
            let metrics =
                tokio::task::spawn_blocking(move || worker.stop())
                    .await
                    .unwrap();
            assert_eq!(metrics.get(HANDED_BACK), 1.0);
            fs::write(&go, "").unwrap();
            Host::start(&nats.url(), &[])
        };
        let (result, _worker) = tokio::join!(call, then);
        assert_eq!((result, marks(&mark)), (Ok(String::new()), 3));
    });
}

/// A network that swallows everything looks like an idle one, so the client sends pings.
#[test]
fn a_stalled_network_costs_time_and_no_result() {
    with_nats(async |nats| {
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let for_worker = Proxy::start(&nats.address).await;
        let for_client = Proxy::start(&nats.address).await;
        let queue =
            connect(Options { url: for_client.url(), ..options(nats) })
                .await;
        let stalled = Host::start(&for_worker.url(), &[]);
        let job = queue.run(Task::Mark(
            mark.clone(),
            Box::new(Task::Wait(go.clone())),
        ));
        let then = async {
            soon("it has begun", || marks(&mark) == 1).await;
            for_worker.stall(Way::Both);
            for_client.stall(Way::Both);
            let other = Host::start(&nats.url(), &[]);
            soon("it runs elsewhere", || marks(&mark) == 2).await;
            fs::write(&go, "").unwrap();
            other
        };
        // The result is published while the client's connection is stalled. It connects again, and
        // asks for it.
        let (result, other) = tokio::join!(job, then);
        assert_eq!(result, Ok(String::new()));
        assert_eq!(other.stop().get(REDELIVERED), 1.0);
        drop(stalled);
    });
}
