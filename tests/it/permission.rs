//! Who may do what. Walks the schema itself: a field or mutation that is added is tried, and has to be named below to be public.

use serde_json::{Value, json};

use crate::harness::{Client, Engine, Server, on_both_engines, token};
use crate::schema::introspect;

on_both_engines!(
    no_bad_token_does_or_reads_anything,
    another_persons_token_reads_nothing,
    another_persons_token_changes_nothing,
    administrators_read_people_but_not_their_ways_in
);

/// What anybody may call.
const PUBLIC_QUERIES: &[&str] = &["terms", "termsVersions", "gameCatalogue"];
/// What anybody may call, since it is how one becomes somebody.
const PUBLIC_MUTATIONS: &[&str] = &[
    "signUp",
    "signIn",
    "startPasskeySignUp",
    "finishPasskeySignUp",
    "startPasskeySignIn",
    "finishPasskeySignIn",
    "refreshSession",
    "requestAccountRecovery",
    "resetPassword",
    "startPasskeyRecovery",
    "finishPasskeyRecovery",
];
/// What administrators call.
const ADMIN_QUERIES: &[&str] = &["users", "roles", "statistics"];
/// What administrators do.
const ADMIN_MUTATIONS: &[&str] = &["deleteUser", "setUserActive", "setUserRole", "publishTerms"];
/// Fields of a person that not even an administrator sees.
const OWN_FIELDS: &[&str] = &["passkeys", "passkeySignal", "sessions", "dataExport"];

const PLAYED: &str = r#"mutation {
    updateProfile(input: { username: "victime", firstName: "Zoé" }) { id }
    setAvatar(input: { avatarColor: "vert" }) { avatarColor }
    setPassions(passions: ["vélo"]) { id }
    saveScenarioGame(input: { traits: { empathie: 1 } }) { id }
    saveShapeSequenceGame(input: { completion: 1 }) { id }
    saveJobsGame(input: { jobChoices: { Fleuriste: "like" } }) { id }
    saveSpeedGame(input: { completion: 1 }) { id }
    saveAbilitiesGame(input: { completion: 1 }) { id }
    saveSkillsGame(input: { completion: 1 }) { id }
    saveRoomEnvGame(input: { completion: 1 }) { id }
}"#;

/// Calls whatever the schema has.
pub struct Walk {
    pub schema: Value,
}

impl Walk {
    fn of_type(&self, name: &str) -> &Value {
        self.schema["types"].as_array().unwrap().iter().find(|of_type| of_type["name"] == name).unwrap()
    }

    pub fn fields(&self, name: &str) -> &[Value] {
        self.of_type(name)["fields"].as_array().unwrap()
    }

    /// A call of a field with arguments that are right in form, `id` for every id, and a selection.
    pub fn call(&self, field: &Value, id: &str) -> String {
        let arguments: Vec<_> = field["args"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|argument| argument["type"]["kind"] == "NON_NULL")
            .map(|argument| format!("{}: {}", argument["name"].as_str().unwrap(), self.value(&argument["type"], id)))
            .collect();
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        format!("{}{arguments} {}", field["name"].as_str().unwrap(), self.selection(&field["type"], 2))
    }

    fn value(&self, of_type: &Value, id: &str) -> String {
        match of_type["kind"].as_str().unwrap() {
            "NON_NULL" => self.value(&of_type["ofType"], id),
            "LIST" => format!("[{}]", self.value(&of_type["ofType"], id)),
            "ENUM" => self.of_type(of_type["name"].as_str().unwrap())["enumValues"][0]["name"].as_str().unwrap().to_owned(),
            "INPUT_OBJECT" => {
                let fields = self.of_type(of_type["name"].as_str().unwrap())["inputFields"].as_array().unwrap();
                let required =
                    fields.iter().filter(|field| field["type"]["kind"] == "NON_NULL" && field["defaultValue"].is_null());
                let values =
                    required.map(|field| format!("{}: {}", field["name"].as_str().unwrap(), self.value(&field["type"], id)));
                format!("{{ {} }}", values.collect::<Vec<_>>().join(", "))
            }
            _ => match of_type["name"].as_str().unwrap() {
                "ID" => format!("{id:?}"),
                "Int" | "Float" => "1".to_owned(),
                "Boolean" => "true".to_owned(),
                "JSON" => "{}".to_owned(),
                // What is no file is refused after who it comes from.
                "String" | "Upload" => "\"1.0\"".to_owned(),
                other => panic!("the walk does not know how to give a {other}"),
            },
        }
    }

    fn selection(&self, of_type: &Value, depth: usize) -> String {
        match of_type["kind"].as_str().unwrap() {
            "NON_NULL" | "LIST" => self.selection(&of_type["ofType"], depth),
            "OBJECT" | "INTERFACE" => {
                let fields = self
                    .fields(of_type["name"].as_str().unwrap())
                    .iter()
                    .filter(|field| field["args"].as_array().unwrap().is_empty());
                let parts: Vec<_> = fields
                    .filter_map(|field| {
                        let inner = self.selection(&field["type"], depth.checked_sub(1)?);
                        let is_leaf = inner.is_empty() && !is_composite(&field["type"]);
                        (is_leaf || !inner.is_empty()).then(|| format!("{} {inner}", field["name"].as_str().unwrap()))
                    })
                    .filter(|part| !OWN_FIELDS.iter().any(|own| part.starts_with(own)))
                    .collect();
                if parts.is_empty() { String::new() } else { format!("{{ __typename {} }}", parts.join(" ")) }
            }
            _ => String::new(),
        }
    }
}

fn is_composite(of_type: &Value) -> bool {
    match of_type["kind"].as_str().unwrap() {
        "NON_NULL" | "LIST" => is_composite(&of_type["ofType"]),
        kind => kind == "OBJECT" || kind == "INTERFACE",
    }
}

struct Scene {
    server: Server,
    walk: Walk,
    victim: Client,
    /// Global ids of the victim and of everything of theirs that has one in `node`.
    person: String,
    plays: Vec<String>,
}

async fn scene(engine: Engine) -> Scene {
    let server = Server::start(engine).await;
    let walk = Walk { schema: introspect(&server).await };
    let victim = server.somebody().await;
    victim.data(PLAYED).await;
    let me = victim.data("{ me { id plays { nodes { id } } } }").await["me"].clone();
    let plays: Vec<_> =
        me["plays"]["nodes"].as_array().unwrap().iter().map(|play| play["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(plays.len(), 7);
    Scene { server, walk, victim, person: me["id"].as_str().unwrap().to_owned(), plays }
}

impl Scene {
    /// Everything that the victim sees of themselves.
    async fn snapshot(&self) -> Value {
        let fields: Vec<_> = self.walk.fields("User").iter().map(|field| self.walk.call(field, &self.person)).collect();
        self.victim.data(&format!("{{ me {{ {} }} }}", fields.join(" "))).await
    }
}

/// Only this code, and nothing else of the answer.
fn refused(answer: &crate::harness::Answer, code: &str, what: &str) {
    assert_eq!(answer.codes(), [code], "{what}: {}", answer.text);
    assert!(is_nothing(&answer.body["data"]), "{what}: {}", answer.text);
}

/// Null, or an object that holds nothing else: a field that may be null does not take its parent along.
fn is_nothing(data: &Value) -> bool {
    data.is_null() || data.as_object().is_some_and(|members| members.values().all(is_nothing))
}

async fn no_bad_token_does_or_reads_anything(engine: Engine) {
    let scene = scene(engine).await;
    let good = scene.victim.access_token.clone().unwrap();
    let copy = scene.victim.with_token(Some(&token::copy(&good)));
    assert_eq!(
        copy.data("{ me { username } }").await["me"]["username"],
        "victime",
        "a token made by hand is good when nothing is wrong"
    );

    let revoked = scene.server.somebody().await;
    assert_eq!(revoked.data("mutation { signOut }").await["signOut"], true);
    let mut tokens = token::bad_ones(&good);
    tokens.push(("revoked", revoked.access_token.clone().unwrap()));
    tokens.push(("a refresh token", scene.victim.refresh_token.clone().unwrap()));

    let before = scene.snapshot().await;
    let callers: Vec<_> = std::iter::once(("no token".to_owned(), scene.server.client()))
        .chain(tokens.iter().map(|(what, token)| ((*what).to_owned(), scene.server.client().with_token(Some(token)))))
        .collect();
    for (what, caller) in &callers {
        for field in scene.walk.fields("Mutation") {
            let name = field["name"].as_str().unwrap();
            if !PUBLIC_MUTATIONS.contains(&name) {
                let answer =
                    caller.send(&format!("mutation {{ {} }}", scene.walk.call(field, &scene.plays[0])), Value::Null).await;
                refused(&answer, "UNAUTHENTICATED", &format!("{name}, {what}"));
            }
        }
        for field in scene.walk.fields("Query") {
            let name = field["name"].as_str().unwrap();
            if PUBLIC_QUERIES.contains(&name) || (name == "me" && what == "no token") {
                continue;
            }
            let answer = caller.send(&format!("{{ {} }}", scene.walk.call(field, &scene.person)), Value::Null).await;
            if name == "nodes" {
                assert_eq!((answer.codes(), &answer.body["data"]["nodes"]), (vec!["UNAUTHENTICATED"], &json!([null])), "{what}");
            } else {
                refused(&answer, "UNAUTHENTICATED", &format!("{name}, {what}"));
            }
        }
        for field in scene.walk.fields("User") {
            let selection = scene.walk.call(field, &scene.person);
            let answer = caller
                .send(&format!("{{ node(id: {:?}) {{ ... on User {{ {selection} }} }} }}", scene.person), Value::Null)
                .await;
            refused(&answer, "UNAUTHENTICATED", &format!("User.{selection}, {what}"));
            let answer = caller.send(&format!("{{ me {{ {selection} }} }}"), Value::Null).await;
            if what == "no token" {
                assert_eq!(answer.data(), &json!({ "me": null }));
            } else {
                refused(&answer, "UNAUTHENTICATED", &format!("me.{selection}, {what}"));
            }
        }
    }
    assert_eq!(scene.snapshot().await, before);
}

async fn another_persons_token_reads_nothing(engine: Engine) {
    let scene = scene(engine).await;
    let stranger = scene.server.somebody().await;
    for field in scene.walk.fields("User") {
        let selection = scene.walk.call(field, &scene.person);
        let answer =
            stranger.send(&format!("{{ node(id: {:?}) {{ ... on User {{ {selection} }} }} }}", scene.person), Value::Null).await;
        refused(&answer, "NOT_FOUND", &selection);
    }
    for of_type in scene.walk.of_type("Node")["possibleTypes"].as_array().unwrap() {
        let name = of_type["name"].as_str().unwrap();
        if ["User", "TermsVersion"].contains(&name) {
            continue;
        }
        // Each play is tried under its own type: there is one of each.
        let selection = scene.walk.selection(&json!({ "kind": "OBJECT", "name": name }), 2);
        for id in &scene.plays {
            let answer = stranger.send(&format!("{{ node(id: {id:?}) {{ id ... on {name} {selection} }} }}"), Value::Null).await;
            refused(&answer, "NOT_FOUND", name);
        }
    }
    for name in ADMIN_QUERIES {
        let field = scene.walk.fields("Query").iter().find(|field| field["name"] == *name).unwrap();
        refused(&stranger.send(&format!("{{ {} }}", scene.walk.call(field, "")), Value::Null).await, "FORBIDDEN", name);
    }
    let known: Vec<_> = PUBLIC_QUERIES.iter().chain(ADMIN_QUERIES).chain(&["me", "node", "nodes"]).collect();
    for field in scene.walk.fields("Query") {
        assert!(known.contains(&&field["name"].as_str().unwrap()), "say in this file who may call {}", field["name"]);
    }
}

async fn another_persons_token_changes_nothing(engine: Engine) {
    let scene = scene(engine).await;
    let before = scene.snapshot().await;
    for field in scene.walk.fields("Mutation") {
        let name = field["name"].as_str().unwrap();
        if PUBLIC_MUTATIONS.contains(&name) {
            continue;
        }
        // Somebody new for each: signing out would end the rest.
        let stranger = scene.server.somebody().await;
        let takes_id = field["args"].as_array().unwrap().iter().any(|argument| argument["type"]["ofType"]["name"] == "ID");
        for id in scene.plays.iter().chain([&scene.person]) {
            let answer = stranger.send(&format!("mutation {{ {} }}", scene.walk.call(field, id)), Value::Null).await;
            if ADMIN_MUTATIONS.contains(&name) {
                refused(&answer, "FORBIDDEN", &format!("{name} of {id}"));
            } else if takes_id {
                refused(&answer, "NOT_FOUND", &format!("{name} of {id}"));
            } else {
                // Their own, or nothing that the walk can give.
                assert!(answer.codes().iter().all(|code| *code == "INVALID_INPUT"), "{name}: {}", answer.text);
                break;
            }
        }
    }
    assert_eq!(scene.snapshot().await, before);
}

async fn administrators_read_people_but_not_their_ways_in(engine: Engine) {
    let scene = scene(engine).await;
    let admin = scene.server.admin().await;
    for field in scene.walk.fields("User") {
        let (name, selection) = (field["name"].as_str().unwrap(), scene.walk.call(field, &scene.person));
        let answer =
            admin.send(&format!("{{ node(id: {:?}) {{ ... on User {{ {selection} }} }} }}", scene.person), Value::Null).await;
        if OWN_FIELDS.contains(&name) {
            refused(&answer, "FORBIDDEN", name);
        } else {
            answer.data();
        }
    }
    let seen =
        admin.data(&format!("{{ node(id: {:?}) {{ ... on User {{ username detail {{ firstName }} }} }} }}", scene.person)).await;
    assert_eq!(seen["node"], json!({ "username": "victime", "detail": { "firstName": "Zoé" } }));
}
