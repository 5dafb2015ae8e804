//! Metrics: what is counted, that strangers make none, and that dashboard, alerts and documents name what is there.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::metrics::{Metrics, SHOWN};
use crate::harness::{Engine, Home, Server, on_both_engines, unique_email};

on_both_engines!(what_happens_is_counted, a_queue_that_does_not_move_is_seen, strangers_make_no_series);

async fn shown(engine: Engine, settings: &[(&str, &str)]) -> Server {
    let settings = [&[SHOWN], settings].concat();
    Server::start_on(Arc::new(Home::migrated(engine).await), &settings).await
}

/// What is shown, once it is like this.
async fn until(server: &Server, is: impl Fn(&Metrics) -> bool) -> Metrics {
    for _ in 0..400 {
        let metrics = server.metrics().await;
        if is(&metrics) {
            return metrics;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it never is: {}", server.metrics().await.0);
}

async fn what_happens_is_counted(engine: Engine) {
    let server = shown(engine, &[]).await;
    let email = unique_email("counted");
    let person = server.client().sign_up(&email).await;
    for _ in 0..2 {
        person.data("query Home { me { id jobsGame { id } plays { nodes { id } } } terms { version } }").await;
    }
    person.send("query Broken { roles { id } nope }", Value::Null).await;
    person.send("query Late { node(id: \"x\") { id } }", Value::Null).await;
    person.data("mutation Save { saveJobsGame(input: { completion: 1 }) { id } }").await;
    let wrong = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "email": email, "password": "quatre petits chats" } });
    assert_eq!(server.client().send(wrong, input).await.codes(), ["UNAUTHENTICATED"]);
    let batch = json!(vec![json!({ "query": "{ me { id } }" }); 11]);
    let too_many = server.client().raw(Method::POST, "/graphql").json(&batch).send().await.unwrap();
    assert_eq!(too_many.status(), 400);
    server.client().raw(Method::GET, "/health/ready").send().await.unwrap();
    server.mails(&email, 1).await;
    server.queue_is_empty().await;

    let metrics = server.metrics().await;
    for (series, expected) in [
        (r#"autrement_operations_total{operation="Home",outcome="ok"}"#, 2.0),
        (r#"autrement_operation_seconds_count{operation="Home"}"#, 2.0),
        (r#"autrement_operations_total{operation="Save",outcome="ok"}"#, 1.0),
        // Its document is not valid, so its name gets no place.
        (r#"autrement_operations_total{operation="other",outcome="INVALID_INPUT"}"#, 1.0),
        (r#"autrement_operations_total{operation="Late",outcome="NOT_FOUND"}"#, 1.0),
        (r#"autrement_operations_total{operation="anonymous",outcome="UNAUTHENTICATED"}"#, 1.0),
        (r#"autrement_field_seconds_count{field="me"}"#, 2.0),
        (r#"autrement_field_seconds_count{field="saveJobsGame"}"#, 1.0),
        (r#"autrement_refused_total{code="TOO_COMPLEX",status="400"}"#, 1.0),
        (r#"autrement_http_requests_total{route="/graphql",status="400"}"#, 1.0),
        (r#"autrement_http_requests_total{route="/health",status="200"}"#, 1.0),
        ("autrement_http_requests_under_way", 0.0),
        (r#"autrement_sign_ins_total{kind="sign_up_password",outcome="ok"}"#, 1.0),
        (r#"autrement_sign_ins_total{kind="password",outcome="UNAUTHENTICATED"}"#, 1.0),
        (r#"autrement_sign_ins_total{kind="passkey",outcome="ok"}"#, 0.0),
        (r#"autrement_work_waiting{work="password"}"#, 0.0),
        (r#"autrement_work_running{work="password"}"#, 0.0),
        (r#"autrement_mails_total{kind="verification",outcome="sent"}"#, 1.0),
        ("autrement_mail_queue", 0.0),
        ("autrement_mail_queue_oldest_seconds", 0.0),
        (r#"autrement_pool_connections{pool="main",state="limit"}"#, 5.0),
        (r#"autrement_build_info{version="0.1.0"}"#, 1.0),
        (r#"autrement_job_failures_total{task="expire"}"#, 0.0),
    ] {
        assert!((metrics.value(series) - expected).abs() < 0.5, "{series} is not {expected}: {}", metrics.0);
    }
    for more in [
        r#"autrement_statement_seconds_count{kind="insert"}"#,
        r#"autrement_statement_seconds_count{kind="select"}"#,
        r#"autrement_loader_keys_count{relation="plays"}"#,
        r#"autrement_work_seconds_count{work="password"}"#,
        r#"autrement_job_last_success_timestamp_seconds{task="expire"}"#,
        r#"autrement_job_last_success_timestamp_seconds{task="mail"}"#,
        r#"autrement_job_seconds_count{task="exports"}"#,
        r#"autrement_pool_wait_seconds_count{pool="main"}"#,
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
        "autrement_tasks",
    ] {
        assert!(metrics.value(more) > 0.0, "{more}: {}", metrics.0);
    }
    // Those who write on SQLite wait for one connection.
    let writer = r#"autrement_pool_connections{pool="writer",state="limit"}"#;
    let writers = if engine == Engine::Sqlite { metrics.value(writer) } else { 1.0 };
    assert!((writers - 1.0).abs() < 0.5, "{}", metrics.0);
    if engine == Engine::Postgres {
        assert!(metrics.value(r#"autrement_statement_seconds_count{kind="shared"}"#) > 0.0, "{}", metrics.0);
    }
    assert!(!metrics.0.contains(&email));
}

/// What waits is counted by who looks, also where nothing is sent.
async fn a_queue_that_does_not_move_is_seen(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    // Queued an hour ago, by a service whose clock was behind.
    let hour_ago = [SHOWN, ("SMTP_URL", "smtp://127.0.0.1:1"), ("CLOCK_OFFSET", "-3600")];
    let before = Server::start_on(home.clone(), &hour_ago).await;
    before.client().sign_up(&unique_email("stuck")).await;
    let not_taken = r#"autrement_mails_total{kind="verification",outcome="not_taken"}"#;
    let metrics = until(&before, |metrics| metrics.value(not_taken) > 0.5).await;
    assert!((metrics.value("autrement_mail_queue") - 1.0).abs() < 0.5, "{}", metrics.0);
    assert!(metrics.value("autrement_mail_queue_oldest_seconds") < 60.0, "{}", metrics.0);
    drop(before);
    let server = Server::start_on(home, &[SHOWN, ("SMTP_URL", "smtp://127.0.0.1:1")]).await;
    let oldest = server.metrics().await.value("autrement_mail_queue_oldest_seconds");
    assert!((3600.0..3700.0).contains(&oldest), "{oldest}");
}

async fn strangers_make_no_series(engine: Engine) {
    let server = shown(engine, &[]).await;
    let client = server.client();
    let before = server.metrics().await;
    for number in 0..130 {
        client.data(&format!("query Made{number} {{ terms {{ version }} }}")).await;
        client.send(&format!("query Wrong{number} {{ made{number} }}"), Value::Null).await;
        client.raw(Method::GET, &format!("/made{number}")).send().await.unwrap();
    }
    client.data(&format!("query {} {{ terms {{ version }} }}", "x".repeat(200))).await;
    let metrics = server.metrics().await;
    // A hundred, with those that have none and those that found no place.
    assert_eq!(metrics.count("autrement_operation_seconds_count"), 102, "{}", metrics.0);
    assert!((metrics.value(r#"autrement_operations_total{operation="other",outcome="ok"}"#) - 31.0).abs() < 0.5, "{}", metrics.0);
    assert_eq!(metrics.count("autrement_field_seconds_count"), 1, "{}", metrics.0);
    assert!(["Wrong1", "made1"].iter().all(|name| !metrics.0.contains(name)), "{}", metrics.0);
    for name in ["autrement_http_requests_total", "autrement_refused_total", "autrement_sign_ins_total"] {
        assert!(metrics.count(name) <= before.count(name) + 3, "{name}: {}", metrics.0);
    }
}

#[tokio::test]
async fn listed_documents_have_their_names_first() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let list = home.folder.join("documents.json");
    std::fs::write(&list, json!({ "a": "query Listed { terms { version } }", "b": "query Never { me { id } }" }).to_string())
        .unwrap();
    let server = Server::start_on(home, &[SHOWN, ("TRUSTED_DOCUMENTS", list.to_str().unwrap())]).await;
    server.client().data("query Listed { terms { version } }").await;
    server.client().send("query Stranger { terms { version } }", Value::Null).await;
    let metrics = server.metrics().await;
    assert!((metrics.value(r#"autrement_operations_total{operation="Listed",outcome="ok"}"#) - 1.0).abs() < 0.5, "{}", metrics.0);
    assert!(metrics.0.contains(r#"operation="Never""#) && !metrics.0.contains("Stranger"), "{}", metrics.0);
    assert!((metrics.value(r#"autrement_refused_total{code="FORBIDDEN",status="0"}"#) - 1.0).abs() < 0.5, "{}", metrics.0);
}

#[tokio::test]
async fn nobody_on_the_internet_reads_them() {
    let server = Server::start(Engine::Sqlite).await;
    assert!(!server.log().contains("metrics are at"), "they are shown unless a setting asks for it");
    let server = shown(Engine::Sqlite, &[]).await;
    server.metrics().await;
    let response = server.client().raw(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn who_goes_before_the_answer_is_counted() {
    let server = shown(Engine::Sqlite, &[("HASHING_PASSES", "20")]).await;
    let sign_in = json!({ "query": r#"mutation { signIn(input: { email: "nobody@example.org", password: "trois petits chats" }) { accessToken } }"# });
    let request = server.client().raw(Method::POST, "/graphql").json(&sign_in);
    let under_way = tokio::spawn(request.send());
    until(&server, |metrics| metrics.value("autrement_http_requests_under_way") > 0.5).await;
    under_way.abort();
    let metrics =
        until(&server, |metrics| metrics.value(r#"autrement_http_requests_total{route="/graphql",status="499"}"#) > 0.5).await;
    assert!(metrics.value("autrement_http_requests_under_way") < 0.5);
}

/// The names of metrics that a text holds.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_one =
        |word: &&str| ["autrement_", "process_"].iter().any(|prefix| word.starts_with(prefix) && word.len() > prefix.len());
    words.filter(is_one).map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test]
async fn dashboard_alerts_and_documents_name_what_is_there() {
    let server = shown(Engine::Sqlite, &[]).await;
    // What has no series yet is not shown, so that something of each kind has to happen.
    let person = server.somebody().await;
    person.data("{ me { plays { nodes { id } } } }").await;
    person.send("{", Value::Null).await;
    server.client().raw(Method::POST, "/graphql").body("{}").send().await.unwrap();
    let wrong = r#"mutation { signIn(input: { email: "nobody@example.org", password: "quatre petits chats" }) { accessToken } }"#;
    while server.client().send(wrong, Value::Null).await.codes() != ["RATE_LIMITED"] {}
    let Metrics(text) = &until(&server, |metrics| metrics.0.contains("autrement_mails_total{")).await;
    let there = Metrics(text.clone()).names();
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/autrement.json")).unwrap();
    let targets =
        dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let expressions: Vec<String> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    let alerts = read("deploy/prometheus/alerts.yml");
    // What is said to people has names of families, too.
    let conditions =
        alerts.lines().filter(|line| !["summary: ", "what_to_do: "].iter().any(|said| line.trim_start().starts_with(said)));
    let conditions = conditions.collect::<Vec<_>>().join("\n");
    for (file, text) in [("autrement.json", expressions.join("\n")), ("alerts.yml", conditions)] {
        let names = named(&text);
        assert!(names.len() > 5, "{file}");
        let unknown: Vec<_> = names.difference(&there).collect();
        assert!(unknown.is_empty(), "{file} names what the service does not show: {unknown:?}");
    }
    // Families without their endings, as they are described.
    let described = named(&read("docs/OBSERVABILITY.md"));
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(
            described.iter().any(|known| known == name || there.contains(known) && known.starts_with(name)),
            "docs/OBSERVABILITY.md: {name}"
        );
    }
    let unknown: Vec<_> =
        described.iter().filter(|known| !there.contains(*known) && !text.contains(&format!("# TYPE {known} "))).collect();
    assert!(unknown.is_empty(), "docs/OBSERVABILITY.md describes what the service does not show: {unknown:?}");
}

#[test]
fn prometheus_takes_the_alerts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus");
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let output = Command::new("promtool").args(arguments).current_dir(&folder).output();
        let output = output.expect("tests/run unpacks promtool, which is in Debian's prometheus");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

#[tokio::test]
async fn every_line_is_of_the_form() {
    let server = shown(Engine::Sqlite, &[]).await;
    server.somebody().await;
    let metrics = server.metrics().await;
    for line in metrics.0.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        assert!(metrics.names().contains(name), "{line} has no type");
    }
}
