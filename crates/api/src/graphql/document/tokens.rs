//! A document's text before it is parsed: its tokens (GraphQL specification, section 2.1), and what they tell of its cost. The parser
//! calls itself for each bracket and ends the process when the stack is full, so what is nested too deep must not get there.

use std::collections::HashSet;

/// What the tokens of a document tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tokens<'a> {
    /// How many there are.
    pub count: usize,
    /// How deep brackets are nested.
    pub deepest: usize,
    /// How deep they are in each operation and fragment, added up: validation goes from one into the next.
    pub deepest_in_all: usize,
    /// How many characters the longest name or number has.
    pub longest_name: usize,
    /// A field that stands twice in one input object (section 5.6.3). The parser drops the first in silence.
    pub repeated_field: Option<&'a str>,
}

/// Looks at every token.
pub fn look(document: &str) -> Tokens<'_> {
    let mut seen = Tokens::default();
    // The brackets that are open, each with the names that stood in it where it belongs to an input object.
    let mut open: Vec<(&str, Option<HashSet<&str>>)> = Vec::new();
    let (mut arguments, mut deepest_of_part, mut last) = (0_usize, 0, "");
    let mut rest = document;
    while let Some((token, after)) = next(rest) {
        rest = after;
        seen.count += 1;
        match token {
            "(" | "[" | "{" => {
                arguments += usize::from(token == "(");
                open.push((token, (token == "{" && arguments > 0).then(HashSet::new)));
                deepest_of_part = deepest_of_part.max(open.len());
                seen.deepest = seen.deepest.max(open.len());
            }
            ")" | "]" | "}" => {
                if let Some(("(", _)) = open.pop() {
                    arguments -= 1;
                }
            }
            ":" => {
                if let Some((_, Some(names))) = open.last_mut()
                    && last.starts_with(is_of_name)
                    && !names.insert(last)
                {
                    seen.repeated_field = seen.repeated_field.or(Some(last));
                }
            }
            name if name.starts_with(is_of_name) => seen.longest_name = seen.longest_name.max(name.len()),
            _ => {}
        }
        if open.is_empty() {
            seen.deepest_in_all += std::mem::take(&mut deepest_of_part);
        }
        last = token;
    }
    seen.deepest_in_all += deepest_of_part;
    seen
}

/// The first token of a text, and what follows it. What is no token of the language counts as one all the same.
fn next(text: &str) -> Option<(&str, &str)> {
    let mut text = text;
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}');
        match text.strip_prefix('#') {
            Some(comment) => text = comment.find(['\n', '\r']).map_or("", |end| &comment[end..]),
            None => break,
        }
    }
    let first = text.chars().next()?;
    let length = match first {
        '"' => string(text),
        '.' => text.find(|c| c != '.').unwrap_or(text.len()),
        c if is_of_name(c) => text.find(|c| !is_of_name(c)).unwrap_or(text.len()),
        c => c.len_utf8(),
    };
    Some(text.split_at(length))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// How long the string is that a text begins with.
fn string(text: &str) -> usize {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        let mut ends = block.match_indices("\"\"\"").filter(|(at, _)| !block[..*at].ends_with('\\'));
        // One that has no end is an empty string to the parser, with something after it.
        return ends.next().map_or(2, |(at, _)| 3 + at + 3);
    }
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' | '\n' | '\r' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::look;

    #[test]
    fn tokens_are_counted() {
        for (document, count) in [
            ("", 0),
            (" ,\u{feff}# only a comment", 0),
            ("{ a(b: \"x y\", c: \"\"\"d \"e\" f\"\"\") ...F @skip(if: $g) }", 21),
            ("é", 1),
            ("1.5e3", 3),
        ] {
            assert_eq!(look(document).count, count, "{document}");
        }
    }

    #[test]
    fn names_are_measured() {
        let long = "x".repeat(257);
        assert_eq!(look(&format!("{{ {} }}", &long[1..])).longest_name, 256);
        assert_eq!(look(&format!("{{ a(b: \"{long}\", c: \"\"\"{long}\"\"\") # {long}\n }}")).longest_name, 1);
        for query in [long.clone(), format!("{{ {long} }}"), format!("query ${long} a"), format!("{{ a(b: {{ {long}: 1 }}) }}")] {
            assert_eq!(look(&query).longest_name, 257, "{query}");
        }
    }

    #[test]
    fn a_field_stands_once_in_an_input_object() {
        for (query, name) in [
            ("{ a: b a: c { a: b } }", None),
            ("{ a(b: {c: 1, d: {c: 1}, e: [{c: 1}, {c: 2}]}) b(c: 1) }", None),
            ("{ a(b: {c: 1, d: 2, c: 3}) }", Some("c")),
            ("{ a(b: [[{ x : {y:1} # x: 1\n , x #\n :2}]]) }", Some("x")),
            (r#"{ a(b: {c: "c: 1 {", d: """ " d: """, e: c}) }"#, None),
            ("query ($a: JSON = {b: 1 b: 2}, $b: Int) { a }", Some("b")),
            ("{ a(b: {c: $c, d: $c}) { c: d(c: 1) c: d(c: 1) } }", None),
            ("{ a(b: {é: 1, c: 1, é: 2}) }", None),
        ] {
            assert_eq!(look(query).repeated_field, name, "{query}");
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        for (query, depth) in [
            ("", 0),
            ("{a}", 1),
            ("{a(b:[[1]]){c}}", 4),
            ("}}}{a}", 1),
            (r#"{a(b:"[[[{{{"){c}}"#, 2),
            (r#"{a(b:"\"[[["){c}}"#, 2),
            (r#"{a(b:"\\"){c(d:[1])}}"#, 4),
            ("{a # [[[[\n b(c:[1])}", 3),
            (r#"{a(b:"""[[" \""" [[""") c(d:[{e:1}])}"#, 4),
            (r#"{a(b:"no end [[["#, 2),
            (r#"{a(b:"""no end [[["#, 2),
            (r#"{a(b:["""x" [[["#, 6),
            (r#"{a(b:["""\""" [[["#, 3),
            (r#"{a(b:["""x""" [[["#, 6),
        ] {
            assert_eq!(look(query).deepest, depth, "{query}");
        }
        let parts = look("query($a: [Int]) { a } fragment F on B { c { d } } } {");
        assert_eq!((parts.deepest, parts.deepest_in_all), (2, 2 + 1 + 2 + 1));
    }
}
