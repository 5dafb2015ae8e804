//! Long reads go to a streaming replica, and nobody misses what they wrote.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::data_export;
use crate::harness::cluster::Cluster;
use crate::harness::metrics::SHOWN;
use crate::harness::{Client, Home, Server};

const PAGE: &str = "{ users(first: 50) { nodes { id username isActive } } statistics { accounts activeAccounts } }";

/// What the service asked the replica last, on each connection.
async fn asked(cluster: &Cluster) -> Vec<String> {
    cluster.ask_replica("SELECT query FROM pg_stat_activity WHERE application_name = 'autrement'").await
}

async fn is_used(cluster: &Cluster) -> bool {
    asked(cluster).await.iter().any(|query| query.contains("_game_data"))
}

/// Within a while: it may have been behind a moment ago, and is left alone then.
async fn comes_to_be_used(cluster: &Cluster, admin: &Client) {
    let begun = Instant::now();
    page(admin).await;
    while !is_used(cluster).await {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is not used: {:?}", asked(cluster).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        page(admin).await;
    }
}

async fn page(admin: &Client) -> (i64, Value) {
    let page = admin.data(PAGE).await;
    let active = page["statistics"]["activeAccounts"].as_i64().unwrap();
    let nodes = page["users"]["nodes"].as_array().unwrap();
    let seen = nodes.iter().filter(|user| user["isActive"] == true).count();
    assert_eq!(i64::try_from(seen).unwrap(), active, "the list and the counts tell the same");
    (active, page)
}

/// Whoever changes something sees it in the next answer, each time.
async fn sees_what_they_write(admin: &Client, person: &Value, times: usize) {
    for number in 0..times {
        let is_active = number % 2 == 1;
        let before = page(admin).await.0;
        let change = format!("mutation {{ setUserActive(userId: {person}, isActive: {is_active}) {{ id }} }}");
        admin.data(&change).await;
        assert_eq!(page(admin).await.0, if is_active { before + 1 } else { before - 1 });
    }
}

#[tokio::test]
async fn long_reads_go_to_the_replica_and_who_wrote_finds_it() {
    let cluster = Cluster::start().await;
    let home = Arc::new(Home::at(&format!("{}/postgres", cluster.primary)));
    let replica = format!("{}/postgres", cluster.replica);
    let server = Server::start_on(home, &[("DATABASE_REPLICA_URL", &replica), SHOWN]).await;
    let admin = server.admin().await;
    let somebody = server.somebody().await;
    let person = server.somebody().await.data("{ me { id } }").await["me"]["id"].clone();
    comes_to_be_used(&cluster, &admin).await;
    sees_what_they_write(&admin, &person, 40).await;
    // A few times, since it may just be left alone.
    for tries in 1.. {
        let (_, files) = data_export::exported(&server, &somebody).await;
        assert_eq!(data_export::rows(&files, "users").len(), 1);
        let asked = asked(&cluster).await;
        if asked.iter().any(|query| query.contains("audit_log")) {
            break;
        }
        assert!(tries < 4, "it is not asked for an export: {asked:?}");
        tokio::time::sleep(Duration::from_secs(6)).await;
    }

    // It falls behind: the primary is read instead, soon.
    cluster.ask_replica("SELECT pg_wal_replay_pause()").await;
    let begun = Instant::now();
    sees_what_they_write(&admin, &person, 4).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    cluster.ask_replica("SELECT pg_wal_replay_resume()").await;
    counts(&server, "behind").await;

    // It goes down, under way, and comes back.
    let reading = async {
        for _ in 0..30 {
            page(&admin).await;
        }
    };
    tokio::join!(reading, cluster.does("stop-replica"));
    sees_what_they_write(&admin, &person, 4).await;
    cluster.does("start-replica").await;
    comes_to_be_used(&cluster, &admin).await;
    sees_what_they_write(&admin, &person, 4).await;
    counts(&server, "replica").await;
    counts(&server, "left_alone").await;
    let limit = server.metrics().await.value(r#"autrement_pool_connections{pool="replica",state="limit"}"#);
    assert!((limit - 5.0).abs() < 0.5, "{limit}");
}

/// An operator sees where the long reads went.
async fn counts(server: &Server, to: &str) {
    let metrics = server.metrics().await;
    assert!(metrics.value(&format!(r#"autrement_long_reads_total{{to="{to}"}}"#)) > 0.0, "{to}: {}", metrics.0);
}

#[tokio::test]
async fn a_replica_that_is_down_keeps_nobody_from_starting() {
    let home = Arc::new(Home::migrated(crate::harness::Engine::Postgres).await);
    let server = Server::start_on(home, &[("DATABASE_REPLICA_URL", "postgres://nobody@127.0.0.1:1/nowhere")]).await;
    let admin = server.admin().await;
    let begun = Instant::now();
    for _ in 0..10 {
        page(&admin).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "one of them waits for a second: {:?}", begun.elapsed());
}
