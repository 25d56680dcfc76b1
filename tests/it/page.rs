//! The page as a reader without a script gets it: who may read, what it says, what it refuses.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Method;
use jiff::SignedDuration;
use watchkeeper::clock::Clock;
use watchkeeper::model::picture::{Condition, Picture, Sort};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::status::Truth;
use watchkeeper::serve::{Guard, token};

use crate::page_ground::{Site, epoch, event, line, part, picture, tags};

const TOKEN: &str = "0123456789abcdef";

fn calm() -> Picture {
    let mut picture = picture("calm");
    picture.open.clear();
    picture.status.general.clear();
    picture.status.rollouts.clear();
    for standing in &mut picture.status.objects {
        standing.ready = Truth::True;
        standing.stalled = false;
        standing.reason = Reason::Converged;
        standing.set_aside.clear();
    }
    picture
}

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address")
}

#[tokio::test]
async fn the_first_sentence_says_whether_it_is_us() {
    let before = Site::of(None, None).await;
    let reply = before.get("/").await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("Watchkeeper is reading the estate"));
    assert_eq!(before.get("/parts").await.status, 503);

    let well = Site::of(Some(calm()), None).await;
    assert!(well.get("/").await.body.contains("The only object is Ready"));

    let ill = Site::of(Some(picture("vpc")), None).await;
    let body = ill.get("/").await.body;
    assert!(body.contains("1 of 1 objects not Ready, worst: "), "{body}");
    assert!(body.contains("<title>1 of 1 objects not Ready · Watchkeeper</title>"));
    assert!(
        body.contains("href=\"/objects/FlowLog/vpc\"") && body.contains("href=\"/runbook/DeliveryFailed\"")
    );
    assert!(body.contains("stage 2") && body.contains("of 7 nodes have it"));
}

#[tokio::test]
async fn what_is_too_old_counts_as_unknown_and_says_so_on_every_page() {
    let mut picture = calm();
    for part in &mut picture.parts {
        part.condition = Condition::Ready;
    }
    let late = Clock::pretended(epoch() + SignedDuration::from_mins(6), 1.0);
    let site = Site::at(late, Guard::loopback(), Some(picture), None).await;
    let body = site.get("/").await.body;
    assert!(body.contains("Unknown: nothing has been read for 6m"), "{body}");
    assert!(body.contains("was Ready") && !body.contains("The only object is Ready"));
    for path in ["/events", "/parts", "/coverage", "/runbook", "/runbook/Drift", "/nowhere"] {
        assert!(site.get(path).await.body.contains("Old: nothing has been read for 6m"), "{path}");
    }
    assert!(site.get("/parts?condition=ready").await.body.contains("0 of 2."));
    let health = site.get("/healthz").await;
    assert_eq!(health.status, 503);
    assert!(health.body.starts_with("a pass is overdue: the last pass ended at "), "{}", health.body);
    assert!(health.body.contains("one is due every 1m 0s"), "{}", health.body);
}

#[tokio::test]
async fn it_only_reads() {
    let site = Site::of(Some(calm()), None).await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        let reply = site.ask(method.clone(), "/", &[]).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "GET, HEAD"), "{method}");
    }
    let head = site.ask(Method::HEAD, "/", &[]).await;
    assert_eq!((head.status.as_u16(), head.size), (200, 0));
    let lost = site.get("/no/such/page").await;
    assert_eq!(lost.status, 404);
    assert!(lost.body.contains("There is no page at /no/such/page."));
    assert_eq!(site.get("/nodes/%ff").await.status, 404);
    assert_eq!(site.get("/objects/Nonsense/x").await.status, 404);
    let unknown = site.get("/nodes/i-2").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("Did you mean"));
}

#[tokio::test]
async fn browsers_are_told_to_be_careful() {
    let site = Site::of(Some(calm()), None).await;
    for path in ["/", "/v1/status", "/healthz", "/nowhere"] {
        let reply = site.get(path).await;
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let body = site.get("/").await.body;
    let assets: Vec<String> = tags(&body)
        .iter()
        .filter_map(|tag| tag.attribute("src").or(tag.attribute("href")))
        .filter(|path| path.starts_with("/assets/"))
        .map(str::to_owned)
        .collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for asset in assets {
        let reply = site.get(&asset).await;
        assert_eq!(reply.status, 200, "{asset}");
        assert!(reply.header("cache-control").contains("immutable"), "{asset}");
    }
    assert_eq!(site.get("/assets/page-000000000000.css").await.status, 404);
}

#[tokio::test]
async fn on_loopback_only_names_of_this_machine_are_answered() {
    let site = Site::of(Some(calm()), None).await;
    for host in ["localhost:8080", "LOCALHOST", "127.0.0.1", "127.0.0.1:9000", "[::1]:8080", "127.1.2.3:1"] {
        assert_eq!(site.ask(Method::GET, "/", &[("host", host)]).await.status, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "127.0.0.1.evil.example:80", ""] {
        for path in ["/", "/v1/status", "/live", "/v1/events"] {
            let reply = site.ask(Method::GET, path, &[("host", host)]).await;
            assert_eq!(reply.status, 421, "{host} {path}");
            assert!(reply.body.contains("http://localhost"), "{}", reply.body);
        }
    }
}

#[test]
fn beyond_loopback_it_listens_only_with_a_token_or_on_somebodys_word() {
    for address in ["0.0.0.0:8080", "10.1.2.3:80", "[::]:8080", "[2001:db8::1]:80"] {
        let refused = Guard::at(at(address), None, false).expect_err("refused");
        let message = refused.to_string();
        assert!(message.contains("--token-file") && message.contains("--read-only-public"), "{message}");
        assert!(Guard::at(at(address), Some(TOKEN), false).is_ok());
        assert!(Guard::at(at(address), None, true).is_ok());
    }
    for address in ["127.0.0.1:0", "[::1]:8080", "127.9.9.9:1"] {
        assert!(Guard::at(at(address), None, false).is_ok(), "{address}");
    }
}

#[test]
fn a_token_file_holds_one_token_that_is_long_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    let read = |text: &str| {
        std::fs::write(&file, text).expect("written");
        token(&file)
    };
    assert_eq!(read(&format!("  {TOKEN}\n\n")).expect("a token"), TOKEN);
    for bad in ["", "  \n", "short", "two words here now", "0123456789abcdé0123", &"x".repeat(5000)] {
        let message = read(bad).expect_err("no token").to_string();
        assert!(message.contains("16 characters"), "{message}");
    }
    let missing = token(&folder.path().join("none")).expect_err("no file").to_string();
    assert!(missing.contains("cannot be read"), "{missing}");
}

#[tokio::test]
async fn with_a_token_nobody_reads_without_it() {
    let guard = Guard::at(at("10.0.0.1:8080"), Some(TOKEN), false).expect("a guard");
    let site = Site::guarded(guard, Some(calm()), None).await;
    // `user:0123456789abcdef`, `:0123456789abcdef`, and `user:wrong`.
    let basic = "Basic dXNlcjowMTIzNDU2Nzg5YWJjZGVm";
    for authorization in
        ["Bearer 0123456789abcdef", "bearer  0123456789abcdef", basic, "basic OjAxMjM0NTY3ODlhYmNkZWY="]
    {
        let headers = [("authorization", authorization), ("host", "watchkeeper.example")];
        assert_eq!(site.ask(Method::GET, "/", &headers).await.status, 200, "{authorization}");
    }
    let wrong = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer 0123456789abcdeF",
        "Bearer 0123456789abcde",
        "Basic dXNlcjp3cm9uZw==",
        "Basic %%%",
        "Digest x",
    ];
    for authorization in wrong {
        for path in ["/", "/v1/status", "/v1/events", "/live", "/assets/x", "/nowhere"] {
            let reply = site.ask(Method::GET, path, &[("authorization", authorization)]).await;
            assert_eq!(reply.status, 401, "{authorization} {path}");
            assert!(reply.header("www-authenticate").starts_with("Basic "));
            assert!(!reply.header("content-security-policy").is_empty());
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(site.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn filters_narrow_the_stream_and_can_be_combined() {
    let site = Site::of(Some(calm()), None).await;
    let mut events: Vec<_> = (1..=250).map(|number| event(number, &format!("text-{number}"))).collect();
    events[9].subjects = vec![Arc::from("i-10")];
    events[9].reason = Reason::Drift;
    events[9].category = Reason::Drift.category();
    events[9].time = epoch() - SignedDuration::from_hours(3);
    site.journal.write(events);
    let shown = async |query: &str| {
        let reply = site.get(&format!("/events{query}")).await;
        assert_eq!(reply.status, 200, "{query}");
        reply.body.matches("<li class=\"event ").count()
    };
    assert_eq!(shown("").await, 100);
    assert_eq!(shown("?before=51").await, 50);
    assert_eq!(shown("?for=i-10").await, 1);
    assert_eq!(shown("?reason=drift&category=configuration&phase=opened&q=TEXT-10").await, 1);
    assert_eq!(shown("?reason=Drift&since=2h").await, 0);
    assert_eq!(shown("?reason=Drift&since=2026-03-02T05:00:00Z").await, 1);
    assert_eq!(shown("?severity=critical").await, 0);
    assert_eq!(shown("?object=FlowLog/text-77&severity=&q=").await, 1);
    for (query, said) in [
        ("?severity=loud", "Choose one of: info, warning, error, critical."),
        ("?reason=Because", "`Because` is no reason."),
        ("?since=yesterday", "`yesterday` is no time."),
        ("?before=x", "no number"),
        ("?object=vpc", "no object"),
        ("?colour=red", "There is no filter `colour`"),
        ("?q=a&q=b", "stands twice"),
    ] {
        let reply = site.get(&format!("/events{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.body.contains(said), "{query}: {said}");
    }
}

#[tokio::test]
async fn lists_are_paged_and_found_by_condition_kind_and_text() {
    let mut picture = calm();
    picture.parts =
        (0..600).map(|at| part(&format!("i-{at:04}"), Sort::Node, &format!("web-{at}"))).collect();
    picture.parts[7].condition = Condition::Ready;
    picture.coverage.lines = (0..600).map(|at| line(&format!("i-{at:04}"), "/var/log/x", "")).collect();
    let site = Site::of(Some(picture), None).await;
    let rows = |body: &str| body.matches("<th scope=\"row\">").count();
    let body = site.get("/parts").await.body;
    assert_eq!(rows(&body), 250);
    assert!(body.contains("Page 1 of 3") && body.contains("href=\"/parts?page=2\""));
    assert_eq!(rows(&site.get("/parts?page=3&sort=id").await.body), 100);
    assert_eq!(rows(&site.get("/parts?condition=Ready").await.body), 1);
    assert_eq!(rows(&site.get("/parts?q=WEB-599").await.body), 1);
    assert_eq!(rows(&site.get("/parts?kind=network").await.body), 0);
    assert_eq!(site.get("/parts?page=99999999999999999999").await.status, 400);
    assert!(site.get("/coverage?page=3").await.body.contains("Page 3 of 3"));
    assert!(site.get("/coverage?signal=arriving").await.body.contains("Nothing."));
    let cells = site.get("/").await.body;
    assert_eq!(cells.matches("href=\"/nodes/i-").count(), 600);
    // One stop of the Tab key in each group.
    assert_eq!(
        tags(&cells).iter().filter(|tag| tag.attribute("tabindex") == Some("-1")).count(),
        600 - 2 + 1
    );
}

#[tokio::test]
async fn a_spreadsheet_takes_no_cell_for_a_formula() {
    let mut picture = calm();
    picture.coverage.lines = vec![
        line("=cmd|' /C calc'!A0", "+1", "-2+3"),
        line("@SUM(A1)", "a,\"b\"", "\t=1"),
        line("i-1", "/var/log/messages", "plain"),
    ];
    let site = Site::of(Some(picture), None).await;
    let reply = site.get("/coverage.csv").await;
    assert!(reply.header("content-type").starts_with("text/csv"));
    let lines: Vec<&str> = reply.body.split("\r\n").collect();
    assert_eq!(lines[0], "account,region,kind,id,name,category,signal,what,reason,why");
    assert!(
        lines[1].ends_with("node,\"'=cmd|' /C calc'!A0\",,logs,missing,\"'+1\",TelemetryMissing,\"'-2+3\"")
    );
    assert!(lines[2].ends_with("node,\"'@SUM(A1)\",,logs,missing,\"a,\"\"b\"\"\",TelemetryMissing,\"' =1\""));
    assert!(lines[3].ends_with("node,i-1,,logs,missing,/var/log/messages,TelemetryMissing,plain"));
}

#[tokio::test]
async fn pages_are_compressed_for_whoever_takes_that() {
    let site = Site::of(Some(calm()), None).await;
    let plain = site.get("/").await;
    assert_eq!(plain.header("content-encoding"), "");
    let small = site.ask(Method::GET, "/", &[("accept-encoding", "br, gzip;q=0.8")]).await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.size * 2 < plain.size && small.body.contains("The only object is Ready"));
    let refused = site.ask(Method::GET, "/", &[("accept-encoding", "gzip;q=0, br")]).await;
    assert_eq!(refused.header("content-encoding"), "");
}

#[tokio::test]
async fn open_pages_are_told_of_every_pass_and_event_and_then_find_them() {
    let site = Site::of(Some(calm()), None).await;
    let mut live = site.live().await;
    assert!(live.next().await.contains("event: beat"));
    site.pictures.send_replace(Some(Arc::new(picture("worse"))));
    assert!(live.next().await.contains("event: changed"));
    assert!(site.get("/").await.body.contains("1 of 1 objects not Ready"));
    site.journal.write(vec![event(1, "a-new-one")]);
    assert!(live.next().await.contains("event: changed"));
    assert!(site.get("/events").await.body.contains("a-new-one"));
}

#[tokio::test]
async fn every_reason_has_a_page_of_the_runbook() {
    let site = Site::of(Some(calm()), None).await;
    let contents = site.get("/runbook").await.body;
    for reason in Reason::ALL {
        assert!(contents.contains(&format!("href=\"/runbook/{reason}\"")), "{reason}");
        assert_eq!(site.get(&format!("/runbook/{reason}")).await.status, 200, "{reason}");
    }
    assert_eq!(site.get("/runbook/Whatever").await.status, 404);
}
