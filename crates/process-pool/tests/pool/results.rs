//! Results, errors and panics come back as what they are.

use process_pool::{Config, Error, Pool};

use crate::task::{Task, Trap, long_text};
use crate::{config, echo, start, test};

#[test]
fn results_come_back_and_errors_say_what_happened() {
    test(async {
        let pool = start(config()).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        assert_ne!(worker, std::process::id().to_string());
        assert_eq!(pool.run(echo("hello")).await.as_deref(), Ok("hello"));
        let failed = pool.run(Task::Fail("no such file".into())).await;
        assert_eq!(failed, Err(Error::JobFailed("no such file".into())));
        let panicked = pool.run(Task::Panic("a bug".into())).await;
        assert_eq!(panicked, Err(Error::JobPanicked("a bug".into())));
        // No worker was lost.
        assert_eq!(pool.run(Task::Pid).await, Ok(worker));
        assert_eq!(pool.stats().restarts, 0);
        assert_eq!(pool.stats().done, 5);
        pool.shutdown().await;
        assert_eq!(pool.run(echo("late")).await, Err(Error::Closed));
    });
}

#[test]
fn a_panic_outside_of_run_costs_neither_the_worker_nor_other_results() {
    test(async {
        let pool = Pool::<Trap>::start(config()).await.unwrap();
        let cases = [
            (Trap::Decode, "decoding"),
            (Trap::Error, "printing"),
            (Trap::Payload, "without a message"),
            (Trap::Encode, "encoding"),
            (Trap::Drop, "dropping"),
        ];
        let panicked =
            |text: &str| Err(Error::JobPanicked(text.to_owned()));
        for (trap, text) in cases {
            assert_eq!(pool.run(trap).await, panicked(text));
        }
        // In a map, between jobs of the same batch.
        let traps = (0..2000).map(|number| match number % 200 {
            at @ 0..5 => cases[at as usize].0,
            _ => Trap::None(number),
        });
        for (number, result) in (0..).zip(pool.map(traps).await) {
            match number % 200 {
                at @ 0..5 => {
                    assert_eq!(result, panicked(cases[at as usize].1))
                }
                _ => assert_eq!(result.map(|sprung| sprung.0), Ok(number)),
            }
        }
        assert_eq!(pool.stats().restarts, 0);
        pool.shutdown().await;
    });
}

#[test]
fn a_long_text_of_an_error_or_a_panic_keeps_its_beginning() {
    test(async {
        let pool = start(Config { message_limit: 4096, ..config() }).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        for bytes in [4000, 4200, 4201, 20_000_000] {
            let Err(Error::JobFailed(failed)) =
                pool.run(Task::FailAtLength(bytes)).await
            else {
                panic!("it fails")
            };
            let Err(Error::JobPanicked(panicked)) =
                pool.run(Task::PanicAtLength(bytes)).await
            else {
                panic!("it panics")
            };
            for text in [failed, panicked] {
                assert!(long_text(bytes).starts_with(&text), "{text}");
                assert!(
                    text.len() > bytes.min(4080) - 2,
                    "{} bytes",
                    text.len()
                );
            }
        }
        assert_eq!(pool.run(Task::Pid).await, Ok(worker));
        pool.shutdown().await;
    });
}

#[test]
fn a_message_that_is_too_large_is_refused_and_the_pool_goes_on() {
    test(async {
        let pool = start(Config { message_limit: 4096, ..config() }).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        let too_large = |error: Error| match error {
            Error::TooLarge { size, limit: 4096 } => size,
            other => panic!("{other}"),
        };
        let job = pool.run(Task::Echo("x".repeat(5000))).await.unwrap_err();
        assert!(too_large(job) > 5000);
        let result = pool.run(Task::Large(1_000_000)).await.unwrap_err();
        assert!(too_large(result) > 1_000_000);
        assert_eq!(pool.run(Task::Large(4000)).await.unwrap().len(), 4000);
        assert_eq!(pool.run(Task::Pid).await, Ok(worker));

        // In a map the other jobs are not affected.
        let large = Task::Echo("x".repeat(5000));
        let tasks =
            [echo("a"), large.clone(), Task::Large(9999), echo("b"), large];
        let results = pool.map(tasks).await;
        assert_eq!(results[0].as_deref(), Ok("a"));
        assert_eq!(results[3].as_deref(), Ok("b"));
        for at in [1, 2, 4] {
            assert!(
                matches!(results[at], Err(Error::TooLarge { .. })),
                "{:?}",
                results[at]
            );
        }
        pool.shutdown().await;
    });
}

#[test]
fn large_messages_go_both_ways() {
    test(async {
        let pool = start(config()).await;
        // More than a pipe can hold.
        let large = "y".repeat(4 << 20);
        assert_eq!(
            pool.run(Task::Echo(large.clone())).await,
            Ok(large.clone())
        );
        // In one batch after many short jobs, so that the worker writes a large answer while the
        // next job is still being sent to it.
        let short = (0..2000).map(|_| echo(""));
        let results = pool
            .map(short.chain([Task::Large(4 << 20), Task::Echo(large)]))
            .await;
        for (at, result) in results.iter().enumerate() {
            assert_eq!(
                result.as_ref().unwrap().len(),
                if at < 2000 { 0 } else { 4 << 20 }
            );
        }
        let results =
            pool.map((0..2000).map(|_| Task::Large(10_000))).await;
        assert!(
            results
                .iter()
                .all(|result| result.as_ref().unwrap().len() == 10_000)
        );
        pool.shutdown().await;
    });
}

#[test]
fn a_map_keeps_the_order_and_each_job_has_its_own_result() {
    test(async {
        let pool = start(Config { workers: 3, queue: 1, ..config() }).await;
        assert_eq!(pool.map([]).await, []);
        let tasks = (0..10_000).map(|number| match number % 100 {
            7 => Task::Fail(number.to_string()),
            8 => Task::Panic(number.to_string()),
            _ => Task::Echo(number.to_string()),
        });
        for (number, result) in
            pool.map(tasks).await.into_iter().enumerate()
        {
            let text = number.to_string();
            let expected = match number % 100 {
                7 => Err(Error::JobFailed(text)),
                8 => Err(Error::JobPanicked(text)),
                _ => Ok(text),
            };
            assert_eq!(result, expected);
        }
        assert_eq!(pool.stats().restarts, 0);
        pool.shutdown().await;
        assert_eq!(pool.map([echo("late")]).await, [Err(Error::Closed)]);
    });
}

#[test]
fn a_job_may_have_a_pool_of_its_own() {
    test(async {
        let pool = start(config()).await;
        assert_eq!(
            pool.run(Task::Nested).await.as_deref(),
            Ok("from within")
        );
        pool.shutdown().await;
    });
}
