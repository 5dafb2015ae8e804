//! Instances behind pgbouncer in transaction mode, where each statement may come to another session.

use std::sync::Arc;

use serde_json::json;

use crate::harness::cluster::Cluster;
use crate::harness::game::{game, play_session};
use crate::harness::{Home, Server};

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_a_few_sessions() {
    let cluster = Cluster::start().await;
    let home = Arc::new(Home::at(&format!("{}/postgres", cluster.primary)));
    let pooled = format!("{}/postgres", cluster.pooler);
    // Twenty connections to pgbouncer, which has three to PostgreSQL; all start at once on an empty database.
    let start = |home: Arc<Home>, pooled: String| async move {
        Server::start_on(home, &[("DATABASE_URL", &pooled), ("DATABASE_CONNECTIONS", "10"), ("LOG", "info")]).await
    };
    let starts = [0, 1].map(|_| tokio::spawn(start(home.clone(), pooled.clone())));
    let mut servers = Vec::new();
    for start in starts {
        servers.push(start.await.unwrap());
    }
    let journeys: Vec<_> = (0..24)
        .map(|number: usize| {
            let (here, there) = (&servers[number % 2], &servers[(number + 1) % 2]);
            let (client, other) = (here.client(), there.client());
            tokio::spawn(async move {
                let somebody = client.sign_up(&format!("pooled{number}@example.org")).await;
                play_session(&somebody).await;
                let other = other.with_token(somebody.access_token.as_deref());
                for save in 0..10 {
                    let client = if save % 2 == 0 { &somebody } else { &other };
                    let input = json!({ "saveId": format!("s{save}"), "traits": { format!("t{save}"): save } });
                    game("scenario").save(client, input).await.data();
                }
                let play = game("scenario").newest(&somebody).await;
                assert_eq!(play["revision"], 11);
            })
        })
        .collect();
    for journey in journeys {
        journey.await.unwrap();
    }
    let sessions =
        servers[0].sql("SELECT CAST(COUNT(*) AS TEXT) FROM pg_stat_activity WHERE application_name = 'autrement'").await;
    assert!(sessions[0].parse::<usize>().unwrap() <= 3, "{sessions:?}");
    for server in &servers {
        assert!(!server.log().contains("\"level\":\"ERROR\""), "{}", server.log());
    }
}
