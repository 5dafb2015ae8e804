//! Queries that are sent to hurt: each is refused by a limit, before a statement runs, and the service goes on. What each costs, the
//! benchmark below prints.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use reqwest::Method;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};

use crate::bench::{forget_peak, memory};
use crate::harness::client::answer;
use crate::harness::game::game;
use crate::harness::{Answer, Client, Engine, Home, Server, on_both_engines};

on_both_engines!(hostile_documents_are_refused_before_a_statement_runs, what_takes_too_long_ends_and_changes_nothing);

/// A request that is sent to hurt.
struct Hostile {
    what: &'static str,
    body: Value,
    code: &'static str,
    /// Words of the message, which say what bound it hits.
    bound: &'static str,
}

/// `count` pieces, each with its number in the place of `#`.
fn many(count: usize, piece: &str) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let _ = write!(text, "{} ", piece.replace('#', &number.to_string()));
        text
    })
}

const COMPLEX: &str = "TOO_COMPLEX";
const INVALID: &str = "INVALID_INPUT";

fn hostile(what: &'static str, body: Value, code: &'static str, bound: &'static str) -> Hostile {
    Hostile { what, body, code, bound }
}

fn query(what: &'static str, query: impl Into<String>, code: &'static str, bound: &'static str) -> Hostile {
    hostile(what, json!({ "query": query.into() }), code, bound)
}

fn nested(open: &str, count: usize, middle: &str, close: &str) -> String {
    open.repeat(count) + middle + &close.repeat(count)
}

/// Fragments of which each spreads the next, `F#`.
fn chain(count: usize, of: &str) -> String {
    let fragments = (0..count).fold(String::new(), |mut text, number| {
        let _ = write!(text, " fragment F{number} on User {{ {} }}", of.replace('#', &(number + 1).to_string()));
        text
    });
    format!("{{ me {{ ...F0 }} }} {fragments} fragment F{count} on User {{ id }}")
}

/// In depth, and by fragments.
fn deep() -> Vec<Hostile> {
    let hidden = format!("{{ terms(version: [\"\"\"x\" {}]) {{ id }} }}", nested("[", 600, "", "]"));
    vec![
        // Nesting.
        query(
            "fields 26 deep",
            format!("{{ __type(name: \"User\") {} }}", nested("{ ofType ", 25, "{ name }", "}")),
            COMPLEX,
            "nested too deep",
        ),
        query("fields 5,000 deep, never closed", "{ me ".repeat(5000), COMPLEX, "brackets 5000 deep"),
        query(
            "lists 5,000 deep",
            format!("{{ terms(version: {}) {{ id }} }}", nested("[", 5000, "1", "]")),
            COMPLEX,
            "brackets 5002 deep",
        ),
        query(
            "objects 3,000 deep",
            format!("{{ terms(version: {}) {{ id }} }}", nested("{a:", 3000, "1", "}")),
            COMPLEX,
            "brackets 3002 deep",
        ),
        query("lists behind a block string without an end", hidden, COMPLEX, "brackets 603 deep"),
        query("300 operations", many(300, "query Q# { __typename }"), COMPLEX, "300 with all its operations"),
        // Fragments.
        query(
            "fragments that lead to each other",
            "{ me { ...A } } fragment A on User { id ...B } fragment B on User { ...A }",
            INVALID,
            "leads to itself",
        ),
        query("a fragment that leads to itself", "{ me { ...A } } fragment A on User { id ...A }", INVALID, "leads to itself"),
        query("fragments that double forty times", chain(40, "id ...F# ...F#"), COMPLEX, "fields and fragments"),
        query(
            "a fragment of 5,000 fields, 400 times",
            format!("{{ {} }} fragment F on Query {{ {} }}", many(400, "...F"), many(5000, "__typename")),
            COMPLEX,
            "fields and fragments",
        ),
        query(
            "a chain of 50 fragments, each deeper",
            chain(50, "plays { nodes { user { ...F# } } }"),
            COMPLEX,
            "nested deeper than",
        ),
    ]
}

/// In width.
fn wide() -> Vec<Hostile> {
    vec![
        query("101 aliases", format!("{{ terms {{ {} }} }}", many(101, "a#: id")), COMPLEX, "101 aliases; at most 100"),
        query("3,700 aliases", format!("{{ terms {{ {} }} }}", many(3700, "a#: id")), COMPLEX, "3700 aliases; at most 100"),
        query("10,000 aliases", format!("{{ {} }}", many(10_000, "a#: __typename")), COMPLEX, "tokens; at most 15000"),
        query(
            "aliases through a fragment",
            format!("{{ terms {{ ...F ...F ...F }} }} fragment F on TermsVersion {{ {} }}", many(34, "a#: id")),
            COMPLEX,
            "102 aliases",
        ),
        query("51 fields at the root", format!("{{ {} }}", many(51, "__typename")), COMPLEX, "51 fields at its root; at most 50"),
        query(
            "10,001 times one field",
            format!("{{ me {{ {} }} }}", many(10_001, "id")),
            COMPLEX,
            "fields and fragments; at most 10000",
        ),
        query(
            "101 directives",
            format!("{{ terms {{ id {} }} }}", many(101, "@include(if: true)").replace("true", "$x")),
            COMPLEX,
            "101 directives; at most 100",
        ),
        query("15,001 tokens", format!("{{ {} }}", many(14_999, "id")), COMPLEX, "15001 tokens; at most 15000"),
        query("40,000 variables", format!("query ({}) {{ __typename }}", many(40_000, "$a#: Int")), COMPLEX, "tokens"),
        query(
            "3,000 variables that are not used",
            format!("query ({}) {{ __typename }}", many(3000, "$a#: Int")),
            INVALID,
            "not used",
        ),
        query(
            "a name of 300,000 characters",
            format!("{{ {} }}", "x".repeat(300_000)),
            COMPLEX,
            "name or number of 300000 characters",
        ),
        query(
            "a number of a million digits",
            format!("{{ me {{ plays(first: {}) {{ nodes {{ id }} }} }} }}", "9".repeat(1_000_000)),
            COMPLEX,
            "of 1000000 characters",
        ),
        query("900,000 commas", format!("{{ {} nope }}", ",".repeat(900_000)), INVALID, "nope"),
        query("9,990 fields that are not there", format!("{{ me {{ {} }} }}", many(9990, "usernam#")), INVALID, "usernam0"),
    ]
}

/// By what it would give.
fn generous() -> Vec<Hostile> {
    vec![
        query(
            "the first two billion plays",
            "{ me { plays(first: 2147483647) { nodes { id traits: completion } } } }",
            COMPLEX,
            "too much at once",
        ),
        query(
            "lists in lists",
            format!("{{ me {} }}", nested("{ plays(first: 10) { nodes { user ", 5, "{ id }", "} } }")),
            COMPLEX,
            "too much at once",
        ),
        query(
            "a thousand people with all their plays",
            "{ users(first: 1000) { nodes { plays(first: 100) { nodes { id } } } } }",
            COMPLEX,
            "too much at once",
        ),
        query(
            "introspection of fields in fields",
            format!("{{ __schema {{ types {} }} }}", nested("{ fields { type ", 3, "{ name }", "} }")),
            COMPLEX,
            "3 lists of introspection",
        ),
        query(
            "introspection of thousands of fields",
            format!("{{ __schema {{ types {{ fields {{ type {{ ofType {{ fields {{ {} }} }} }} }} }} }} }}", many(9900, "name")),
            COMPLEX,
            "fields that ask for the schema",
        ),
        query(
            "introspection through fragments",
            "{ __schema { types { ...T } } } fragment T on __Type { fields { type { possibleTypes { ...U } } } } fragment U on __Type { interfaces { name } }",
            COMPLEX,
            "lists of introspection",
        ),
    ]
}

/// By what comes along.
fn laden() -> Vec<Hostile> {
    let nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let deep = (0..100).fold(json!(1), |value, _| json!([value]));
    let unknown: Value = ["email", "password"]
        .map(|name| (name.to_owned(), json!("x")))
        .into_iter()
        .chain((0..9000).map(|key| (format!("key{key}"), json!(1))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    vec![
        hostile(
            "5,000 ids",
            json!({ "query": nodes, "variables": { "ids": vec!["x"; 5000] } }),
            INVALID,
            "5000 ids; ask for 100",
        ),
        hostile(
            "11,000 ids",
            json!({ "query": nodes, "variables": { "ids": vec!["x"; 11_000] } }),
            INVALID,
            "more than 10000 keys and items",
        ),
        hostile(
            "a variable 100 deep",
            json!({ "query": "query ($v: String) { terms(version: $v) { id } }", "variables": { "v": deep } }),
            INVALID,
            "not of its type",
        ),
        hostile(
            "a long variable, 5,000 times",
            json!({
                "query": format!("query ($v: ID!) {{ nodes(ids: [{}]) {{ id }} }}", "$v ".repeat(5000)),
                "variables": { "v": "x".repeat(900_000) }
            }),
            COMPLEX,
            "each variable as often as it stands",
        ),
        hostile(
            "a long text in a fragment, 3,000 times",
            json!({ "query": format!(
                "{{ me {{ {} }} }} fragment F on User {{ plays(after: \"{}\") {{ nodes {{ id }} }} }}",
                "...F ".repeat(3000),
                "x".repeat(900_000)
            ) }),
            COMPLEX,
            "fields and fragments",
        ),
        query(
            "120 operations of one large fragment",
            format!("{} fragment F on User {{ {} }}", many(120, "query Q# { me { ...F } }"), many(9000, "id")),
            COMPLEX,
            "fields and fragments",
        ),
        hostile(
            "an input of 9,000 fields that are not there",
            json!({ "query": "mutation ($i: SignInInput!) { signIn(input: $i) { accessToken } }", "variables": { "i": unknown } }),
            INVALID,
            "does not have",
        ),
        query("2 MiB of comment", format!("# {}\n{{ __typename }}", "x".repeat(2 << 20)), INVALID, "more than 1048576 bytes"),
        hostile("a batch of 11", json!(vec![json!({ "query": "{ __typename }" }); 11]), COMPLEX, "11 requests; at most 10"),
        hostile("a batch of 9,000", json!(vec![json!({}); 9000]), COMPLEX, "9000 requests; at most 10"),
        query("a subscription", "subscription { me { id } }", INVALID, "subscription"),
    ]
}

fn all() -> impl Iterator<Item = Hostile> {
    [deep(), wide(), generous(), laden()].into_iter().flatten()
}

async fn send(client: &Client, hostile: &Hostile) -> Answer {
    client.send_as(client.raw(Method::POST, "/graphql").json(&hostile.body)).await
}

async fn hostile_documents_are_refused_before_a_statement_runs(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let mut faults = Vec::new();
    for hostile in all() {
        let Hostile { what, code, bound, .. } = &hostile;
        let begun = Instant::now();
        let refused = send(&somebody, &hostile).await;
        let time = begun.elapsed();
        let shown = refused.text.chars().take(300).collect::<String>();
        let statements = server.statements(&refused).await;
        let is_told = !refused.codes().is_empty() && refused.codes().iter().all(|told| told == code);
        let hits = shown.to_lowercase().contains(bound);
        if !(is_told && hits && refused.text.len() < 64 * 1024 && statements.is_empty()) {
            faults.push(format!("{what}: {time:?}, {} bytes, {statements:?}: {shown}", refused.text.len()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    somebody.data("{ me { id } }").await;
    assert!(!server.log().contains("panicked"));
}

/// A service with one other setting.
async fn with(setting: &str, value: &str) -> Server {
    Server::start_on(Arc::new(Home::migrated(Engine::Sqlite).await), &[(setting, value)]).await
}

/// What was validated once is not again, but a longer list costs more all the same.
#[tokio::test]
async fn a_known_document_costs_what_its_values_make_it() {
    let server = with("MAX_COMPLEXITY", "100").await;
    let somebody = server.somebody().await;
    let query = "query ($first: Int!) { me { plays(first: $first) { nodes { id completion } } } }";
    for (first, codes) in [(5, vec![]), (5, vec![]), (50, vec!["TOO_COMPLEX"]), (5, vec![])] {
        let answer = somebody.send(query, serde_json::json!({ "first": first })).await;
        assert_eq!(answer.codes(), codes, "{first}: {}", answer.text);
    }
}

/// Ten requests in one come to no more than one alone.
#[tokio::test]
async fn a_batch_has_the_limits_of_one() {
    let server = Server::start(Engine::Sqlite).await;
    let batch = async |query: String| {
        let body = vec![json!({ "query": query }); 10];
        let batch = answer(server.client().raw(Method::POST, "/graphql").json(&body)).await;
        let codes = batch.body.as_array().unwrap().iter().map(|one| one["errors"][0]["extensions"]["code"].clone());
        codes.map(|code| code == "TOO_COMPLEX").collect::<Vec<_>>()
    };
    let first_only = [vec![false], vec![true; 9]].concat();
    assert_eq!(batch(format!("{{ __schema {{ queryType {{ {} }} }} }}", many(400, "name"))).await, first_only);
    assert_eq!(batch(format!("{{ terms {{ {} }} }}", many(9000, "id"))).await, first_only);
    // As much text as one answer may hold.
    let home = server.home.database().await;
    home.execute_unprepared(&format!("UPDATE terms_versions SET content = '{}'", "x".repeat(100_000))).await.unwrap();
    let texts = batch(format!("{{ terms {{ {} }} }}", many(100, "content"))).await;
    assert_eq!(texts, [vec![false; 2], vec![true; 8]].concat());
}

/// What is required is asked for before anything runs.
#[tokio::test]
async fn variables_are_looked_at_before_anything_runs() {
    let server = Server::start(Engine::Sqlite).await;
    let somebody = server.somebody().await;
    let first = "updateProfile(input: { username: \"half\" }) { id }";
    for (definition, field, variables) in [
        ("$v: ID!", "deletePlay(id: $v)", json!({})),
        ("$v: ID!", "deletePlay(id: $v)", json!({ "v": null })),
        ("$v: SaveMode!", "saveJobsGame(input: { mode: $v }) { id }", json!({})),
        ("$v: Int", "saveSpeedGame(input: { currentLevel: $v }) { id }", json!({ "v": 99_999_999_999_i64 })),
        ("$v: Int", "saveSpeedGame(input: { currentLevel: $v }) { id }", json!({ "v": 1.5 })),
        ("$v: String", "acceptTerms(version: $v) { id }", json!({ "v": 1 })),
    ] {
        let refused = somebody.send(&format!("mutation ({definition}) {{ {first} {field} }}"), variables).await;
        assert_eq!(refused.codes(), ["INVALID_INPUT"], "{definition}: {}", refused.text);
        assert!(refused.text.contains("$v"), "{}", refused.text);
        assert_eq!(somebody.data("{ me { username } }").await["me"]["username"], Value::Null, "{definition}");
    }
}

/// What is at a limit is taken, one more is not.
#[tokio::test]
async fn each_limit_is_a_setting() {
    let terms = |fields: String| format!("{{ terms {{ {fields} }} }}");
    for (setting, value, good, bad, bound) in [
        ("MAX_DEPTH", "2", terms("id".into()), "{ me { role { id } } }".into(), "too deep"),
        // Each field, and what a list gives.
        ("MAX_COMPLEXITY", "3", terms("id version".into()), terms("id version content".into()), "too much at once"),
        ("MAX_TOKENS", "7", terms("id version".into()), terms("id version content".into()), "8 tokens; at most 7"),
        ("MAX_ALIASES", "2", terms(many(2, "a#: id")), terms(many(3, "a#: id")), "3 aliases; at most 2"),
        (
            "MAX_ROOT_FIELDS",
            "2",
            "{ __typename __typename }".into(),
            "{ __typename ... { me { id } me { id } } }".into(),
            "3 fields",
        ),
        (
            "MAX_DIRECTIVES",
            "1",
            terms("id @include(if: true)".into()),
            terms("id @include(if: true) ... @skip(if: false) { version }".into()),
            "2 directives; at most 1",
        ),
    ] {
        let server = with(setting, value).await;
        server.client().data(&good).await;
        let refused = server.client().send(&bad, Value::Null).await;
        assert_eq!(refused.codes(), ["TOO_COMPLEX"], "{setting}: {}", refused.text);
        assert!(refused.text.contains(bound), "{setting}: {}", refused.text);
        assert_eq!(server.statements(&refused).await, Vec::<String>::new(), "{setting}");
    }
    let server = with("MAX_REQUEST_BYTES", "1024").await;
    let post = |bytes: usize| {
        let body = format!("{:1$}", r#"{"query":"{ terms { id } }"}"#, bytes);
        answer(server.client().raw(Method::POST, "/graphql").header("content-type", "application/json").body(body))
    };
    post(1024).await.data();
    let refused = post(1025).await;
    assert_eq!((refused.status, refused.codes()), (413, vec!["INVALID_INPUT"]), "{}", refused.text);
    assert!(refused.text.contains("more than 1024 bytes"), "{}", refused.text);
    let server = with("MAX_BATCH", "2").await;
    let post = |count: usize| {
        answer(server.client().raw(Method::POST, "/graphql").json(&vec![json!({ "query": "{ __typename }" }); count]))
    };
    assert_eq!(post(2).await.body.as_array().map(Vec::len), Some(2));
    let refused = post(3).await;
    assert_eq!((refused.status, refused.codes()), (400, vec!["TOO_COMPLEX"]));
}

#[tokio::test]
async fn the_schema_can_be_kept_quiet() {
    let server = with("INTROSPECTION", "off").await;
    let hidden = "{ ... { ...F } } fragment F on Query { __type(name: \"User\") { name } }";
    for query in ["{ __schema { queryType { name } } }", "{ a: __type(name: \"User\") { name } }", hidden] {
        let refused = server.client().send(query, Value::Null).await;
        assert_eq!(refused.codes(), ["FORBIDDEN"], "{}", refused.text);
    }
    assert_eq!(server.client().data("{ __typename }").await, json!({ "__typename": "Query" }));
    let wrong = [
        "{ term { id } }",
        "{ terms(versio: \"1\") { id } }",
        "{ terms { id @include(iff: true) } }",
        "mutation { signIn(input: { emai: \"x\" }) { accessToken } }",
        "query ($i: SignInInpu!) { me { id } }",
    ];
    let suggesting = server.client().send(wrong[0], Value::Null).await;
    assert!(suggesting.text.contains("Did you mean"), "{}", suggesting.text);
    let server = with("SUGGESTIONS", "off").await;
    for query in wrong {
        let refused = server.client().send(query, Value::Null).await;
        assert!(!refused.codes().is_empty() && !refused.text.contains("Did you mean"), "{}", refused.text);
    }
}

/// Somebody else's lock is in the way for longer than a request may take.
async fn what_takes_too_long_ends_and_changes_nothing(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    // Only what has to end asks the one that has no time: on a busy machine signing up takes its own.
    let server = Server::start_on(home.clone(), &[]).await;
    let hurried = Server::start_on(home.clone(), &[("REQUEST_SECONDS", "1")]).await;
    let somebody = server.somebody().await;
    game("jobs").save(&somebody, json!({ "completion": 5 })).await.data();
    let hasty = somebody.at(&hurried.url);
    let database = home.database().await;
    let lock = database.begin().await.unwrap();
    // On SQLite whoever writes has the lock.
    lock.execute_unprepared("UPDATE users SET is_active = is_active").await.unwrap();
    let ended = game("jobs").save(&hasty, json!({ "completion": 50 })).await;
    assert_eq!((ended.status, ended.codes()), (503, vec!["TIMEOUT"]), "{}", ended.text);
    assert!(ended.text.contains("longer than 1 s"), "{}", ended.text);
    // One time for all of a batch.
    let save = json!({ "query": "mutation { saveJobsGame(input: { completion: 50 }) { id } }" });
    let batch = hasty.send_as(hasty.raw(Method::POST, "/graphql").json(&vec![save; 5])).await;
    assert_eq!(
        batch.body.as_array().unwrap().iter().filter(|one| one["errors"][0]["extensions"]["code"] == "TIMEOUT").count(),
        5
    );
    lock.rollback().await.unwrap();
    assert_eq!(game("jobs").newest(&somebody).await["completion"], 5.0);
    game("jobs").save(&somebody, json!({ "completion": 60 })).await.data();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_hostile_documents() {
    let server = Server::start_on(Arc::new(Home::migrated(Engine::Postgres).await), &[("LOG", "warn")]).await;
    let somebody = server.somebody().await;
    let idle = memory(&server, "VmRSS");
    println!(
        "idle {idle} KiB\n| document | bytes | bound | median of 5 | longest | memory above idle |\n|---|---|---|---|---|---|"
    );
    for hostile in all() {
        forget_peak(&server);
        let mut times = Vec::new();
        for _ in 0..5 {
            let begun = Instant::now();
            send(&somebody, &hostile).await;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        println!(
            "| {} | {} | {} | {:.1?} | {:.1?} | {:.1} MiB |",
            hostile.what,
            hostile.body.to_string().len(),
            hostile.bound,
            times[2],
            times[4],
            Value::from(memory(&server, "VmHWM").saturating_sub(idle)).as_f64().unwrap() / 1024.0
        );
    }
}

#[tokio::test]
async fn lists_in_lists_are_refused_before_a_statement_runs() {
    let server = Server::start(Engine::Sqlite).await;
    let somebody = server.somebody().await;
    let levels = |count: usize| {
        let open = "plays(first: 10) { nodes { user { ".repeat(count);
        format!("{{ me {{ {open} id {} }} }}", "} } }".repeat(count))
    };
    let refused = somebody.send(&levels(5), Value::Null).await;
    assert_eq!(refused.codes(), ["TOO_COMPLEX"], "{}", refused.text);
    assert_eq!(server.statements(&refused).await, Vec::<String>::new());
    somebody.send(&levels(2), Value::Null).await.data();
}

/// However often a query asks for the same under other names, what it gives is bounded.
#[tokio::test]
async fn what_was_played_is_given_up_to_a_bound() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let server = Server::start_on(home, &[("MAX_ALIASES", "1000"), ("MAX_ROOT_FIELDS", "1000")]).await;
    let somebody = server.somebody().await;
    for save in 0..9 {
        let traits = (0..450).map(|key| (format!("trait{:04}", save * 450 + key), json!(1))).collect::<serde_json::Map<_, _>>();
        game("scenario").save(&somebody, json!({ "traits": traits })).await.data();
    }
    let asked = |count: usize, field: &str| {
        let fields = (0..count).fold(String::new(), |mut fields, number| {
            let _ = write!(fields, "a{number}: {field} ");
            fields
        });
        let somebody = &somebody;
        async move { somebody.send(&format!("{{ me {{ {fields} }} }}"), Value::Null).await }
    };
    for (count, field) in [(20, "insights { traits { ranked { name points } } }"), (200, "scenarioGame { traits }")] {
        asked(count, field).await.data();
        let refused = asked(5 * count, field).await;
        assert!(refused.codes().contains(&"TOO_COMPLEX"), "{}", &refused.text[..200]);
        assert!(refused.text.len() < 32 * 1024 * 1024, "{} bytes", refused.text.len());
    }
    // What anybody may ask, too.
    let schemas = (0..300).map(|number| format!("a{number}: gameCatalogue {{ jsonSchemas }}")).collect::<Vec<_>>().join(" ");
    assert_eq!(server.client().send(&format!("{{ {schemas} }}"), Value::Null).await.codes(), ["TOO_COMPLEX"]);
    let name = server.client().send(&format!("{{ {} }}", "x".repeat(300_000)), Value::Null).await;
    assert!(name.codes() == ["TOO_COMPLEX"] && name.text.len() < 300, "{}", name.text.len());
    let saves = |count: usize| {
        (0..count).map(|number| format!("a{number}: saveJobsGame(input: {{}}) {{ id }}")).collect::<Vec<_>>().join(" ")
    };
    somebody.data(&format!("mutation {{ {} }}", saves(50))).await;
    let refused = somebody.send(&format!("mutation {{ {} }}", saves(101)), Value::Null).await;
    assert_eq!(refused.codes(), ["TOO_COMPLEX"]);
    assert_eq!(game("jobs").newest(&somebody).await["revision"], 50, "a request that is refused saves nothing");
}
