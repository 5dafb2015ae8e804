//! What async-graphql says by itself, in our words and in both languages. `assets/async-graphql.toml` has a pattern for each of its
//! messages; one that has none goes out as it is, in English, and cut.

use std::sync::LazyLock;

use message::{fill, language::Language};
use serde::Deserialize;

const TABLE: &str = include_str!("../../assets/async-graphql.toml");

/// The most characters of what a message repeats of a request.
const REPEATED: usize = 100;
/// The most characters of a message that has no pattern.
const UNKNOWN: usize = 300;

/// A message of the library.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Its pattern: names in braces stand for anything.
    library: String,
    /// What is said instead, where its own words don't do.
    english: Option<String>,
    french: String,
    /// One of `ErrorCode`, where it is not `INVALID_INPUT`.
    code: Option<String>,
    /// The path of the argument that is at fault, as the library writes it.
    argument: Option<String>,
}

#[derive(Deserialize)]
struct Table {
    said: Vec<Said>,
}

static SAID: LazyLock<Vec<Said>> = LazyLock::new(|| toml::from_str(TABLE).map(|table: Table| table.said).unwrap_or_default());

/// What a client is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// One of `ErrorCode`.
    pub code: &'static str,
    /// In the language that was asked for.
    pub message: String,
    /// The JSON Pointer of the argument that is at fault, if it is one.
    pub pointer: Option<String>,
}

/// What a client is told where the library says this.
pub fn told(said: &str, language: Language) -> Told {
    let Some((known, values)) = find(said) else {
        return Told { code: "INVALID_INPUT", message: cut(said, UNKNOWN), pointer: None };
    };
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    let template = match language {
        Language::English => known.english.as_ref().unwrap_or(&known.library),
        Language::French => &known.french,
    };
    Told {
        code: known.code.as_deref().unwrap_or("INVALID_INPUT"),
        message: fill(template, value),
        pointer: known.argument.as_ref().map(|path| pointer(&fill(path, value))),
    }
}

/// The first message that a text is of, with what stands at its names.
fn find(said: &str) -> Option<(&'static Said, Vec<(&'static str, String)>)> {
    // What follows is what the value was a part of: `locations` tells it.
    let text = said.split(" (occurred while parsing ").next().unwrap_or(said);
    SAID.iter().find_map(|known| Some((known, values(&known.library, text)?)))
}

/// What stands in a text where a pattern has names, cut, if the text is of that pattern.
fn values<'a>(pattern: &'a str, text: &str) -> Option<Vec<(&'a str, String)>> {
    let mut places = pattern.split('{');
    let mut rest = text.strip_prefix(places.next()?)?;
    let mut found = Vec::new();
    let mut places = places.peekable();
    while let Some(place) = places.next() {
        let (name, after) = place.split_once('}')?;
        let value;
        // The last goes to the end of the text: a value may hold what comes after it.
        (value, rest) = if places.peek().is_none() { (rest.strip_suffix(after)?, "") } else { rest.split_once(after)? };
        found.push((name, cut(value, REPEATED)));
    }
    rest.is_empty().then_some(found)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `input.names.0` as a pointer into `input`, `ids.0` as one into the arguments.
fn pointer(path: &str) -> String {
    let path = path.strip_prefix("input.").unwrap_or(path);
    format!("/{}", path.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use async_graphql::{Request, Value, Variables};
    use async_graphql_value::RAW_VALUE_TOKEN;
    use serde_json::json;

    use super::{Language, SAID, find, pointer, told, values};

    /// A query that the library refuses, as often as it has something to say.
    const REFUSED: &[&str] = &[
        "{",
        "{ node(id: 1e999) { id } }",
        "fragment A on User { id }",
        "{ me { id } } query B { me { id } }",
        "query A { me { id } } query A { me { id } }",
        "{ me { ...A } } fragment A on User { id } fragment A on User { id }",
        "{ gameCatalogu { title } }",
        "{ zzzzzzzzzzzzzzzz }",
        "{ me { id { x } } }",
        "{ me }",
        "{ a: me { id } a: terms { id } }",
        "{ node(id: 1) { id } node(id: 2) { id } }",
        "subscription { x }",
        "{ nodes(idss: 1) { id } }",
        "{ users(firts: 1) { nodes { id } } }",
        "{ node(id: 1, zzzzzzzzzzzzzzzz: 1) { id } }",
        "{ node(id: 1, id: 2) { id } }",
        "{ node { id } }",
        "{ node(id: true) { id } }",
        "{ gameCatalogue { title(language: ENGLISCH) } }",
        "mutation { signUp(input: { email: \"a\" }) { accessToken } }",
        "mutation { signUp(input: { email: \"a\", password: \"a\", zzzzz: 1 }) { accessToken } }",
        "mutation { signUp(input: \"x\") { accessToken } }",
        "{ users(first: 3000000000) { nodes { id } } }",
        "query ($a: Int = \"x\") { users(first: $a) { nodes { id } } }",
        "query ($a: Int, $a: Int) { users(first: $a) { nodes { id } } }",
        "query ($a: User) { me { id } }",
        "query A { node(id: $x) { id } }",
        "{ node(id: $x) { id } }",
        "query A($x: ID) { me { id } }",
        "query ($x: ID) { me { id } }",
        "query ($x: ID!) { node(id: $x) { id } }",
        "query ($a: Zzz) { me { id } }",
        "{ me { ...X } }",
        "{ me { id } } fragment A on User { id }",
        "{ me { ...A } } fragment A on ID { x }",
        "{ me { ... on ID { x } } }",
        "{ me { ...A } } fragment A on TermsVersion { id }",
        "{ me { ... on TermsVersion { id } } }",
        "{ me { ...A } } fragment A on User { ...A }",
        "{ me { id } } fragment A on User { ...A }",
        "query A { me { id } } query B { me { id } }",
        "{ me @x { id } }",
        "query @skip(if: true) { me { id } }",
        "{ me @skip(if: true) @skip(if: true) { id } }",
        "{ me @skip { id } }",
        "{ me { id @deprecated(reasno: \"a\") } }",
        "{ me @skip(if: true, fi: 1) { id } }",
        "{ me @skip(if: true, zzzzzzzzz: 1) { id } }",
        "{ users(first: 100) { nodes { plays(first: 100) { nodes { user { plays(first: 100) { nodes { id } } } } } } } }",
    ];

    fn refused() -> Vec<Request> {
        let deep = format!("{{ __type(name: \"User\") {}{{ name }}{}}}", "{ ofType ".repeat(22), " }".repeat(22));
        let mut requests: Vec<_> = REFUSED.iter().map(|query| Request::new(*query)).chain([Request::new(deep)]).collect();
        requests.push(Request::new("query A { me { id } } query B { me { id } }").operation_name("C"));
        let save = "mutation ($json: JSON) { saveSkillsGame(input: { skillsAssessment: $json }) { id } }";
        let file = Value::Binary(b"file".as_slice().into());
        for json in [file, Value::from_json(json!({ RAW_VALUE_TOKEN: "1" })).unwrap()] {
            let mut variables = Variables::default();
            variables.insert(async_graphql::Name::new("json"), json);
            requests.push(Request::new(save).variables(variables));
        }
        requests
    }

    #[tokio::test]
    async fn everything_that_the_library_says_has_a_pattern_and_every_pattern_is_said() {
        let limits = crate::graphql::limits::Limits::default();
        let schema =
            crate::graphql::schema(&limits, async_graphql::ValidationMode::Strict, &crate::metrics::RootFields::default());
        let mut said = Vec::new();
        for request in refused() {
            let query = request.query.clone();
            let errors = schema.execute(request).await.errors;
            assert!(!errors.is_empty(), "{query}");
            said.extend(errors.into_iter().map(|error| error.message));
        }
        let mut faults = Vec::new();
        for text in &said {
            let (english, french) = (told(text, Language::English), told(text, Language::French));
            if english.message == french.message {
                faults.push(format!("There is no pattern for: {text}"));
            }
            if [&english, &french].iter().any(|told| told.message.contains(['\n', '{'])) {
                faults.push(format!("This is no plain sentence: {} {}", english.message, french.message));
            }
        }
        for known in SAID.iter() {
            if !said.iter().any(|text| find(text).is_some_and(|(found, _)| std::ptr::eq(found, known))) {
                faults.push(format!("Nobody says any more: {}", known.library));
            }
        }
        assert!(faults.is_empty() && SAID.len() > 40, "{}", faults.join("\n"));
    }

    #[test]
    fn what_is_repeated_is_cut_and_what_is_not_known_too() {
        let long = "é".repeat(5_000);
        let enumeration = |value: &str| {
            format!("Invalid value for argument \"input.a.0\", enumeration type \"Game\" does not contain the value \"{value}\"")
        };
        let cut = told(&enumeration(&long), Language::French);
        assert_eq!(cut.pointer.as_deref(), Some("/a/0"));
        assert!(cut.message.contains(&format!("{}…", "é".repeat(100))) && cut.message.chars().count() < 200, "{}", cut.message);
        // What a value holds is not looked at.
        let odd = told(&enumeration("\" {path} \""), Language::English);
        assert_eq!(odd.message, "“input.a.0” is “\" {path} \"”, which is not one of the values of Game.");
        assert_eq!(told(&long, Language::French).message, format!("{}…", "é".repeat(300)));
        assert_eq!((pointer("ids.3"), pointer("input.roomData")), ("/ids/3".to_owned(), "/roomData".to_owned()));
    }

    #[test]
    fn a_text_is_of_a_pattern_or_not() {
        let found =
            |pattern, text| values(pattern, text).map(|values| values.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
        assert_eq!(found("a {x} b {y}!", "a 1 b 2!"), Some(vec!["1".into(), "2".into()]));
        assert_eq!(found("a {x}", "a 1\n2"), Some(vec!["1\n2".into()]));
        assert_eq!(found("a", "a"), Some(vec![]));
        for (pattern, text) in [("a", "ab"), ("a {x}!", "a 1"), ("a {x} b", "c 1 b"), ("a {x} b {y}.", "a 1 2.")] {
            assert_eq!(found(pattern, text), None, "{pattern} {text}");
        }
    }
}
