//! The service is killed (SIGKILL) under a stream of saves: what it acknowledged is there after each start. The machine and PostgreSQL go
//! on; what a power cut leaves is up to the databases (`synchronous = FULL`, `fsync`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::game::game;
use crate::harness::{Client, Engine, Home, Server, on_both_engines};

on_both_engines!(what_was_acknowledged_outlives_each_of_twenty_kills);

const KILLS: usize = 20;
const CLIENTS: usize = 8;

/// What each client has had acknowledged, and the save that it has no answer to.
struct Stream {
    next: usize,
    acknowledged: Vec<String>,
}

/// Saves one key after the other until the service is gone. A save without an answer is sent again after the next start.
async fn save_until_it_is_gone(somebody: Client, client: usize, stream: Arc<Mutex<Stream>>, count: Arc<AtomicUsize>) {
    loop {
        let key = format!("c{client}s{}", stream.lock().unwrap().next);
        let input = json!({ "saveId": key, "traits": { &key: 1 } });
        let body = json!({ "query": game("scenario").query(), "variables": { "input": input } });
        let request = somebody.raw(reqwest::Method::POST, "/graphql").json(&body);
        let answer = request.bearer_auth(somebody.access_token.as_ref().unwrap()).send().await;
        let Ok(answer) = answer else { return };
        let Ok(text) = answer.text().await else { return };
        assert!(text.contains("\"revision\""), "{text}");
        let mut stream = stream.lock().unwrap();
        stream.acknowledged.push(key);
        stream.next += 1;
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Every acknowledged key is there; gives how many keys there are and the revision.
async fn check(somebody: &Client, streams: &[Arc<Mutex<Stream>>]) -> (usize, i64) {
    let play = game("scenario").newest(somebody).await;
    if play.is_null() {
        assert!(streams.iter().all(|stream| stream.lock().unwrap().acknowledged.is_empty()));
        return (0, 0);
    }
    let traits = play["traits"].as_object().unwrap();
    for stream in streams {
        for key in &stream.lock().unwrap().acknowledged {
            assert!(traits.contains_key(key), "{key} was acknowledged and is gone");
        }
    }
    (traits.len(), play["revision"].as_i64().unwrap())
}

async fn what_was_acknowledged_outlives_each_of_twenty_kills(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let mut server = Server::start_on(home.clone(), &[]).await;
    let token = server.somebody().await.access_token;
    let streams: Vec<_> = (0..CLIENTS).map(|_| Arc::new(Mutex::new(Stream { next: 0, acknowledged: Vec::new() }))).collect();
    let count = Arc::new(AtomicUsize::new(0));
    let (mut unanswered, mut longest_start) = (0, Duration::ZERO);
    for kill in 0..KILLS {
        let somebody = server.client().with_token(token.as_deref());
        let saving: Vec<_> = streams
            .iter()
            .enumerate()
            .map(|(client, stream)| tokio::spawn(save_until_it_is_gone(somebody.clone(), client, stream.clone(), count.clone())))
            .collect();
        // After another number of saves each time, whatever is under way.
        let until = count.load(Ordering::Relaxed) + 5 + (kill * 37) % 50;
        while count.load(Ordering::Relaxed) < until && !saving.iter().all(tokio::task::JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill().await;
        for client in saving {
            client.await.unwrap();
        }
        let begun = Instant::now();
        server = Server::start_on(home.clone(), &[]).await;
        longest_start = longest_start.max(begun.elapsed());
        let acknowledged = count.load(Ordering::Relaxed);
        let (keys, revision) = check(&server.client().with_token(token.as_deref()), &streams).await;
        assert_eq!(i64::try_from(keys).unwrap(), revision, "each save counted once");
        unanswered += keys - acknowledged.min(keys);
    }
    let acknowledged = count.load(Ordering::Relaxed);
    println!(
        "{engine:?}: {KILLS} kills, {acknowledged} saves acknowledged and there; after the kills {unanswered} more were there whose answer was lost; longest start {longest_start:?}"
    );
}
