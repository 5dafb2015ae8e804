//! The page of an export: one file, no script, nothing fetched but the pictures beside it, in the person's language.

mod courses;
mod insights;
mod plot;
mod words;

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use entity::game::GameKind;
use entity::{data_export, passkey_credential, session, user, user_avatar_info, user_passion, user_terms_agreement};
use sha2::{Digest, Sha256};

pub(super) use self::courses::Courses;
use self::insights::Results;
use self::plot::Bar;
use self::words::Words;
use super::row::Known;
use crate::game::{Progress, catalogue, progress_by_owners};
use crate::language::Language;
use crate::text::escape;
use crate::user_detail::{self, Opened, UserDetail};
use crate::viewer::Owner;
use crate::{Error, Service, passkey, session as sessions, user_avatar_info as avatars, user_passion as passions};

const STYLE: &str = include_str!("style.css");

/// `README.txt`, in both languages.
pub(super) fn readme() -> &'static str {
    words::README
}

/// What the page tells.
struct Told<'a> {
    service: &'a Service,
    words: &'static Words,
    language: Language,
    person: &'a user::Model,
    detail: Option<Arc<UserDetail>>,
    avatar: Option<Arc<user_avatar_info::Model>>,
    passions: Vec<Arc<user_passion::Model>>,
    agreements: Vec<Arc<user_terms_agreement::Model>>,
    passkeys: Vec<Arc<passkey_credential::Model>>,
    sessions: Vec<Arc<session::Model>>,
    progress: Progress,
    results: Results,
    courses: &'a Courses,
    known: &'a Known,
    counts: &'a serde_json::Map<String, serde_json::Value>,
}

/// Writes the page.
pub(super) async fn write(
    service: &Service,
    person: &user::Model,
    export: &data_export::Model,
    language: Language,
    counts: &serde_json::Map<String, serde_json::Value>,
    known: &Known,
    courses: &Courses,
) -> Result<String, Error> {
    // It was they who asked.
    let owner = Owner::proved(person);
    let (owners, oneself) = ([owner], owner.oneself()?);
    let told = Told {
        service,
        words: words::of(language),
        language,
        person,
        detail: user_detail::by_owners(service, &owners).await?.remove(&owner).flatten(),
        avatar: avatars::by_owners(service, &owners).await?.remove(&owner).flatten(),
        passions: passions::by_owners(service, &owners).await?.remove(&owner).unwrap_or_default(),
        agreements: crate::user_terms_agreement::by_owners(service, &owners).await?.remove(&owner).unwrap_or_default(),
        passkeys: passkey::of_oneself(service, &[oneself]).await?.remove(&oneself).unwrap_or_default(),
        sessions: sessions::of_oneself(service, &[oneself]).await?.remove(&oneself).unwrap_or_default(),
        progress: progress_by_owners(service, &owners).await?.remove(&owner).unwrap_or_default(),
        results: Results::read(service, owner).await?,
        courses,
        known,
        counts,
    };
    Ok(told.page(export.date_requested))
}

/// Text of the person: kept apart from the direction of what is around it.
fn theirs(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

/// A line of a list of names and values, where there is a value.
fn line(list: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = write!(list, "<dt>{}</dt><dd>{}</dd>", escape(name), theirs(value));
    }
}

/// Such a list; nothing where it is empty.
fn lines(title: &str, list: &str) -> String {
    if list.is_empty() { String::new() } else { format!("{}<dl>{list}</dl>", heading(title)) }
}

fn heading(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!("<h3>{}</h3>", escape(title)) }
}

impl Told<'_> {
    fn page(&self, date_requested: DateTime<Utc>) -> String {
        let words = self.words;
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let title = escape(words.title);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
             img-src 'self' file:; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{title} · Autrement Capable</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
             <p class=\"soft\">{made} {day}</p>\n<p>{about}</p>\n",
            tag = self.language.tag(),
            made = escape(words.made),
            day = escape(&words::day(date_requested, self.language)),
            about = escape(words.about),
        );
        let sections = [
            ("you", words.you, self.you()),
            ("games", words.games, self.games()),
            ("results", words.results, self.results.html(self.language)),
            ("account", words.account, self.account()),
            ("files", words.files, self.files()),
        ];
        page.push_str("<nav><ul>");
        for (id, title, _) in &sections {
            let _ = write!(page, "<li><a href=\"#{id}\">{}</a></li>", escape(title));
        }
        page.push_str("</ul></nav>\n</header>\n<main>\n");
        for (id, title, html) in sections {
            let _ = writeln!(page, "<section id=\"{id}\"><h2>{}</h2>{html}</section>", escape(title));
        }
        page + "</main>\n</body>\n</html>\n"
    }

    fn you(&self) -> String {
        let words = self.words;
        let mut html = String::new();
        let mut files: Vec<_> = self.known.files.values().collect();
        files.sort_unstable_by(|one, other| other.cmp(one));
        if !files.is_empty() {
            html.push_str("<div class=\"pictures\">");
            for file in files {
                let alt = if file.contains("cover") { words.picture_cover } else { words.picture_profile };
                let (file, alt) = (escape(file), escape(alt));
                let _ = write!(html, "<figure><a href=\"{file}\"><img src=\"{file}\" alt=\"{alt}\"></a></figure>");
            }
            html.push_str("</div>");
        }
        let mut list = String::new();
        line(&mut list, words.username, self.person.username.as_deref());
        if let Some(detail) = &self.detail {
            line(&mut list, words.first_name, shown(&detail.first_name(self.service)));
            line(&mut list, words.last_name, shown(&detail.last_name(self.service)));
            line(&mut list, words.age, detail.age().map(|age| format!("{age} {}", words.years)).as_deref());
            line(&mut list, words.phone, shown(&detail.phone_number(self.service)));
            line(&mut list, words.address, shown(&detail.address(self.service)));
            let waits = |email: &str| format!("{email} ({})", words.email_waits);
            if detail.email_verified() {
                line(&mut list, words.email, shown(&detail.email(self.service)));
                line(&mut list, words.email, shown(&detail.pending_email(self.service)).map(waits).as_deref());
            } else {
                line(&mut list, words.email, shown(&detail.email(self.service)).map(waits).as_deref());
            }
        }
        html.push_str(&lines("", &list));
        if let Some(avatar) = &self.avatar {
            let parts = [
                &avatar.avatar_gender,
                &avatar.avatar_accessories,
                &avatar.avatar_color,
                &avatar.avatar_passions,
                &avatar.avatar_expression,
            ];
            let mut list = String::new();
            for (name, value) in words.avatar_parts.into_iter().zip(parts) {
                line(&mut list, name, value.as_deref());
            }
            html.push_str(&lines(words.avatar, &list));
        }
        if !self.passions.is_empty() {
            let _ = write!(html, "{}<ol>", heading(words.passions));
            for passion in &self.passions {
                let _ = write!(html, "<li>{}</li>", theirs(&passion.passion_text));
            }
            html.push_str("</ol>");
        }
        self.or_nothing(html)
    }

    fn or_nothing(&self, html: String) -> String {
        if html.is_empty() { format!("<p>{}</p>", escape(self.words.none)) } else { html }
    }

    fn games(&self) -> String {
        let words = self.words;
        let percent = |value| words::percent(value, self.language);
        let completion = self.progress.completion();
        let mut html =
            plot::bars(&[Bar { label: words.overall.to_owned(), value: completion, shown: percent(completion) }], 100.0);
        for game in self.progress.games() {
            html.push_str(&heading(catalogue::info(game.game, self.language).title));
            let Some(saved) = game.date_updated else {
                let _ = write!(html, "<p class=\"soft\">{}</p>", escape(words.not_played));
                continue;
            };
            let label = words.furthest.to_owned();
            html.push_str(&plot::bars(&[Bar { label, value: game.completion, shown: percent(game.completion) }], 100.0));
            let plays = self.courses.of(game.game).map_or(1, |course| course.plays);
            let noun = words.plays[usize::from(plays > 1)];
            let day = words::day(saved, self.language);
            let _ = write!(html, "<p class=\"soft\">{plays} {noun}, {} {}</p>", escape(words.last_saved), escape(&day));
            html.push_str(&self.course(game.game));
        }
        html
    }

    /// How the plays of a game went on, where there are several.
    fn course(&self, kind: GameKind) -> String {
        let Some(course) = self.courses.of(kind).filter(|course| course.plays > 1) else { return String::new() };
        let Some(first) = course.points.first() else { return String::new() };
        let [first, last] = [*first, course.last].map(|(began, completion)| {
            words::colon(&words::day(began, self.language), &words::percent(completion, self.language), self.language)
        });
        let told = format!("{}. {first}. {last}.", self.words.course);
        let is_there = course.points.last() == Some(&course.last);
        let percentages = course.points.iter().chain((!is_there).then_some(&course.last)).map(|(_, completion)| *completion);
        format!(
            "{}<p class=\"ends\"><span>{}</span><span>{}</span></p>",
            plot::line(percentages, &told),
            escape(&first),
            escape(&last),
        )
    }

    fn account(&self) -> String {
        let words = self.words;
        let day = |time| words::day(time, self.language);
        let mut list = String::new();
        line(&mut list, words.created, Some(&day(self.person.date_created)));
        line(&mut list, words.last_login, self.person.last_login.map(day).as_deref());
        line(&mut list, words.role, Some(&self.known.role));
        let mut html = lines("", &list);
        let mut add = |title: &str, items: Vec<(String, String)>| {
            if !items.is_empty() {
                let _ = write!(html, "{}<ul>", heading(title));
                for (name, what) in items {
                    let _ = write!(html, "<li>{}, {}</li>", theirs(&name), escape(&what));
                }
                html.push_str("</ul>");
            }
        };
        let dated = |what: &str, time| format!("{what} {}", day(time));
        add(
            words.passkeys,
            self.passkeys.iter().map(|passkey| (passkey.name.clone(), dated(words.added, passkey.date_created))).collect(),
        );
        add(
            words.sessions,
            self.sessions.iter().map(|session| (session.device.clone(), dated(words.last_seen, session.last_seen))).collect(),
        );
        let terms = self.agreements.iter().map(|agreement| {
            let version = self.known.terms.get(&agreement.terms_id).cloned().unwrap_or_default();
            (format!("Version {version}"), dated(words.accepted, agreement.date_agreed))
        });
        add(words.terms, terms.collect());
        html
    }

    fn files(&self) -> String {
        let words = self.words;
        let mut html = format!(
            "<p>{}</p><table><thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"number\">{}</th></tr></thead><tbody>",
            escape(words.files_about),
            escape(words.file),
            escape(words.entries),
        );
        for (name, count) in self.counts {
            let title = words::table(name, self.language).unwrap_or(name);
            let _ = write!(
                html,
                "<tr><td><a href=\"data/{name}.json\">{}</a></td><td class=\"number\">{count}</td></tr>",
                escape(title)
            );
        }
        let _ = write!(html, "</tbody></table><p class=\"soft\">{}</p>", escape(words.withheld));
        html
    }
}

/// What does not open is no part of the page; nor is there a file, then, and the export fails with what the log says.
fn shown(field: &Opened) -> Option<&str> {
    field.as_ref().ok().and_then(Option::as_deref)
}
