//! The words of the page, in each language: short sentences, plain words, nothing phrased as a lack.

use chrono::{DateTime, Datelike, Utc};

use crate::game::{self, catalogue};
use crate::language::Language;

/// What the page says.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) made: &'static str,
    pub(super) about: &'static str,
    pub(super) you: &'static str,
    pub(super) games: &'static str,
    pub(super) results: &'static str,
    pub(super) account: &'static str,
    pub(super) files: &'static str,
    pub(super) username: &'static str,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) age: &'static str,
    pub(super) years: &'static str,
    pub(super) phone: &'static str,
    pub(super) address: &'static str,
    pub(super) email: &'static str,
    pub(super) email_waits: &'static str,
    pub(super) avatar: &'static str,
    /// Gender, accessories, colour, passions, expression.
    pub(super) avatar_parts: [&'static str; 5],
    pub(super) passions: &'static str,
    pub(super) picture_profile: &'static str,
    pub(super) picture_cover: &'static str,
    pub(super) overall: &'static str,
    pub(super) not_played: &'static str,
    pub(super) no_results: &'static str,
    /// How many plays: one, more.
    pub(super) plays: [&'static str; 2],
    pub(super) last_saved: &'static str,
    pub(super) furthest: &'static str,
    pub(super) course: &'static str,
    pub(super) created: &'static str,
    pub(super) last_login: &'static str,
    pub(super) role: &'static str,
    pub(super) passkeys: &'static str,
    pub(super) added: &'static str,
    pub(super) sessions: &'static str,
    pub(super) last_seen: &'static str,
    pub(super) terms: &'static str,
    pub(super) accepted: &'static str,
    pub(super) files_about: &'static str,
    pub(super) file: &'static str,
    pub(super) entries: &'static str,
    pub(super) withheld: &'static str,
    pub(super) more: &'static str,
    pub(super) none: &'static str,
}

const FRENCH: Words = Words {
    title: "Tes données",
    made: "Demandé le",
    about: "Tout ce qu'Autrement Capable garde sur toi est dans ce dossier. Cette page t'en montre l'essentiel. Les fichiers qui sont à \
        côté contiennent tout, pour toi ou pour un autre service. Garde ce dossier dans un endroit sûr : il parle de toi.",
    you: "Toi",
    games: "Tes jeux",
    results: "Tes résultats",
    account: "Ton compte",
    files: "Les fichiers",
    username: "Pseudo",
    first_name: "Prénom",
    last_name: "Nom",
    age: "Âge",
    years: "ans",
    phone: "Téléphone",
    address: "Adresse",
    email: "Adresse e-mail",
    email_waits: "pas encore confirmée",
    avatar: "Ton avatar",
    avatar_parts: ["Genre", "Accessoires", "Couleur", "Passions", "Expression"],
    passions: "Tes passions",
    picture_profile: "Ta photo de profil",
    picture_cover: "Ta photo de couverture",
    overall: "Les sept jeux ensemble",
    not_played: "Pas encore joué.",
    no_results: "Tes résultats apparaîtront ici quand tu auras joué.",
    plays: ["partie", "parties"],
    last_saved: "dernier enregistrement le",
    furthest: "Ta partie la plus avancée",
    course: "Avancement de tes parties, de la première à la dernière",
    created: "Compte créé le",
    last_login: "Dernière connexion",
    role: "Rôle",
    passkeys: "Tes clés d'accès",
    added: "ajoutée le",
    sessions: "Appareils connectés",
    last_seen: "vu le",
    terms: "Conditions acceptées",
    accepted: "acceptée le",
    files_about: "Chaque fichier du dossier « data » a son schéma (JSON Schema) dans le dossier « schema ».",
    file: "Fichier",
    entries: "Lignes",
    withheld: "Ce qui n'est pas là : les secrets qui protègent ton compte (comme l'empreinte de ton mot de passe) et les numéros internes de \
        la base. Chaque schéma en donne la liste et la raison, sous « x-withheld ».",
    more: "et d'autres encore, dans les fichiers",
    none: "Rien pour le moment.",
};

const ENGLISH: Words = Words {
    title: "Your data",
    made: "Asked for on",
    about: "Everything that Autrement Capable keeps about you is in this folder. This page shows the main part of it. The files beside it \
        hold everything, for you or for another service. Keep this folder in a safe place: it is about you.",
    you: "You",
    games: "Your games",
    results: "Your results",
    account: "Your account",
    files: "The files",
    username: "Username",
    first_name: "First name",
    last_name: "Last name",
    age: "Age",
    years: "years",
    phone: "Phone",
    address: "Address",
    email: "E-mail address",
    email_waits: "not confirmed yet",
    avatar: "Your avatar",
    avatar_parts: ["Gender", "Accessories", "Colour", "Passions", "Expression"],
    passions: "Your passions",
    picture_profile: "Your profile picture",
    picture_cover: "Your cover picture",
    overall: "The seven games together",
    not_played: "Not played yet.",
    no_results: "Your results will show here once you have played.",
    plays: ["play", "plays"],
    last_saved: "last saved on",
    furthest: "Furthest play",
    course: "How far your plays came, from the first to the last",
    created: "Account made on",
    last_login: "Last sign-in",
    role: "Role",
    passkeys: "Your passkeys",
    added: "added on",
    sessions: "Devices signed in",
    last_seen: "seen on",
    terms: "Terms accepted",
    accepted: "accepted on",
    files_about: "Each file in the folder “data” has its schema (JSON Schema) in the folder “schema”.",
    file: "File",
    entries: "Rows",
    withheld: "What is not here: the secrets that protect your account (such as the hash of your password) and the internal numbers of the \
        database. Each schema lists them with the reason, under “x-withheld”.",
    more: "and more, in the files",
    none: "Nothing for now.",
};

/// In this language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::French => &FRENCH,
        Language::English => &ENGLISH,
    }
}

/// A day as people write it, UTC.
pub(super) fn day(time: DateTime<Utc>, language: Language) -> String {
    const MONTHS: [(&str, &str); 12] = [
        ("janvier", "January"),
        ("février", "February"),
        ("mars", "March"),
        ("avril", "April"),
        ("mai", "May"),
        ("juin", "June"),
        ("juillet", "July"),
        ("août", "August"),
        ("septembre", "September"),
        ("octobre", "October"),
        ("novembre", "November"),
        ("décembre", "December"),
    ];
    let (french, english) = MONTHS[time.month0() as usize % 12];
    let month = if language == Language::French { french } else { english };
    let first = if language == Language::French && time.day() == 1 { "er" } else { "" };
    format!("{}{first} {month} {}", time.day(), time.year())
}

/// A number with one digit at most behind the comma, as it is written in this language.
pub(super) fn number(number: f64, language: Language) -> String {
    let text = format!("{number:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if language == Language::French { text.replace('.', ",") } else { text.to_owned() }
}

/// A percentage.
pub(super) fn percent(percent: f64, language: Language) -> String {
    let space = if language == Language::French { "\u{202f}" } else { "" };
    format!("{}{space}%", number(percent, language))
}

/// What, and more of it, as it is written in this language.
pub(super) fn colon(what: &str, more: &str, language: Language) -> String {
    let space = if language == Language::French { "\u{a0}" } else { "" };
    format!("{what}{space}: {more}")
}

/// What a table's file holds.
pub(super) fn table(name: &str, language: Language) -> Option<&'static str> {
    let (french, english) = match name {
        "users" => ("Ton compte", "Your account"),
        "user_details" => ("Qui tu es", "Who you are"),
        "unverified_details" => ("Une adresse e-mail à confirmer", "An e-mail address to confirm"),
        "user_avatar_infos" => ("Ton avatar", "Your avatar"),
        "user_pictures" => ("Tes images", "Your pictures"),
        "user_passions" => ("Tes passions", "Your passions"),
        "terms_versions" => ("Le texte des conditions acceptées", "The text of the terms you accepted"),
        "user_terms_agreements" => ("Quand tu as accepté les conditions", "When you accepted the terms"),
        "passkey_credentials" => ("Tes clés d'accès (leur partie publique)", "Your passkeys (their public part)"),
        "sessions" => ("Les appareils connectés", "The devices signed in"),
        "account_recoveries" => ("Demandes de nouvel accès en cours", "Requests under way to get back in"),
        "webauthn_ceremonies" => ("Connexions par clé d'accès en cours", "Passkey sign-ins under way"),
        "mails" => ("E-mails en attente d'envoi", "E-mails waiting to be sent"),
        "saves" => ("Tes enregistrements récents", "Your recent saves"),
        "audit_log" => ("Ce qui s'est passé sur ton compte", "What happened to your account"),
        _ => {
            return game::tables()
                .into_iter()
                .find(|(_, table)| table == name)
                .map(|(kind, _)| catalogue::info(kind, language).title);
        }
    };
    Some(if language == Language::French { french } else { english })
}

/// `README.txt`, in both languages.
pub(super) const README: &str = "\
Autrement Capable

FRANÇAIS
Ce dossier contient tout ce qu'Autrement Capable garde sur toi.

index.html      une page à lire : ouvre-la avec un navigateur
pictures/       tes images
data/           toutes tes données, un fichier par sujet (JSON)
schema/         ce que chaque fichier de data/ contient (JSON Schema)
manifest.json   la liste de ce qu'il y a, pour reprendre ces données ailleurs

Garde ce dossier dans un endroit sûr : il parle de toi.

ENGLISH
This folder holds everything that Autrement Capable keeps about you.

index.html      a page to read: open it with a browser
pictures/       your pictures
data/           all your data, a file for each subject (JSON)
schema/         what each file of data/ holds (JSON Schema)
manifest.json   the list of what there is, to take this data elsewhere

Keep this folder in a safe place: it is about you.
";

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::{Language, day, number, percent, table};
    use crate::data_export::tables::for_each_exported_table;

    #[test]
    fn every_table_has_its_words() {
        for_each_exported_table!(exported => {
            for language in [Language::French, Language::English] {
                assert!(table(exported.name(), language).is_some(), "{}", exported.name());
            }
        });
    }

    #[test]
    fn days_and_numbers_are_written_as_people_do() {
        let first = DateTime::parse_from_rfc3339("2026-08-01T23:30:00Z").expect("a time").to_utc();
        assert_eq!(
            (day(first, Language::French).as_str(), day(first, Language::English).as_str()),
            ("1er août 2026", "1 August 2026")
        );
        assert_eq!((number(97.5, Language::French).as_str(), number(21.0, Language::English).as_str()), ("97,5", "21"));
        assert_eq!(percent(16.67, Language::French), "16,7\u{202f}%");
    }
}
