//! The answers of the service.

use serde_json::Value;

use crate::service::{Load, Service};
use crate::{ENDLESS, runtime, sum_of_squares, ways, within};

#[test]
fn every_way_computes_the_exact_sum() {
    runtime().block_on(async {
        for way in ways().into_iter().chain(["inline"]) {
            // On a busy machine a job may take longer than the usual deadline.
            let service = Service::start(way, ENDLESS).await;
            for n in [
                0, 1, 2, 10, 65_535, 65_536, 65_537, 3_810_778, 3_810_779,
                50_000_000,
            ] {
                let answer = service.get(&format!("/compute/{n}")).await;
                let expected =
                    format!("{{\"result\":{}}}", sum_of_squares(n));
                assert_eq!(
                    (answer.status, answer.body),
                    (200, expected),
                    "{way}, {n}"
                );
            }
            assert_eq!(
                service.load().await,
                Load { running: 0, waiting: 0, done: 10 }
            );
        }
    });
}

#[test]
fn the_largest_n_is_the_limit_that_a_422_names() {
    runtime().block_on(async {
        let service = Service::start("rayon", &["--max-n", "12"]).await;
        assert_eq!(service.get("/compute/12").await.status, 200);
        let huge = "9".repeat(4300);
        for n in ["13", "18446744073709551616", huge.as_str()] {
            let answer = service.get(&format!("/compute/{n}")).await;
            assert_eq!(answer.status, 422);
            let expected = format!(
                r#"{{"detail":[{{"type":"less_than_equal","loc":["path","n"],"msg":"Input should be less than or equal to 12","input":"{n}","ctx":{{"le":12}}}}]}}"#
            );
            assert_eq!(answer.body, expected);
        }
        assert_eq!(service.load().await.done, 1, "refused, not computed");
    });
}

#[test]
fn what_is_no_route_is_said_as_fastapi_says_it() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let mut connection = service.connect().await;
        connection
            .send_raw(b"POST /compute/1 HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let answer = within(connection.answer()).await.unwrap();
        assert_eq!(answer.status, 405);
        assert_eq!(answer.body, r#"{"detail":"Method Not Allowed"}"#);
        assert!(answer.header("allow").unwrap().contains("get"));
    });
}

#[test]
fn the_page_to_try_the_api_needs_nothing_from_elsewhere() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let api: Value =
            serde_json::from_str(&service.get("/openapi.json").await.body)
                .unwrap();
        for path in ["/compute/{n}", "/health", "/ready"] {
            assert!(api["paths"][path]["get"].is_object(), "{api}");
        }
        assert_eq!(
            service.get("/docs").await.header("location"),
            Some("/docs/")
        );
        let page = service.get("/docs/").await;
        assert_eq!(page.status, 200);
        let sources = page.body.split(['"', '\'']).filter(|part| {
            [".js", ".css", ".png"].iter().any(|end| part.ends_with(end))
        });
        let sources: Vec<_> = sources.collect();
        assert!(sources.len() > 3, "{}", page.body);
        for source in sources {
            let file = source.strip_prefix("./").unwrap_or(source);
            assert!(!file.contains("//"), "{file} is elsewhere");
            let mut connection = service.connect().await;
            connection.send(&format!("/docs/{file}")).await.unwrap();
            let mut head = vec![0; 15];
            within(connection.read_exact(&mut head)).await.unwrap();
            assert_eq!(head, b"HTTP/1.1 200 OK", "{file}");
        }
    });
}
