//! The words of the mails: short sentences, one thing each, what happened first, then what to do. No name, nothing personal: mail
//! passes through many hands.

use std::collections::BTreeMap;

use super::Event;
use crate::erasure::{KINDS, Kind};
use crate::language::Language;
use crate::text::escape;

/// What a letter is about, once it is known whom it goes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Topic {
    /// Show that this address is yours.
    Verification,
    /// Somebody signed up with an address that has an account.
    AlreadyRegistered,
    /// Get back in.
    Recovery,
    /// An account was erased.
    Receipt,
    /// Something happened to the account.
    Event(Event),
}

/// The words of a letter.
pub(super) struct Words {
    pub(super) title: &'static str,
    paragraphs: [&'static str; 2],
    /// What the link says.
    action: &'static str,
}

/// The words in this language.
pub(super) fn words(topic: Topic, language: Language) -> Words {
    match language {
        Language::French => french(topic),
        Language::English => english(topic),
    }
}

fn french(topic: Topic) -> Words {
    const NOT_ME: &str = "Si ce n'était pas toi : ouvre ton compte, déconnecte tous les appareils, change ton mot de passe et retire \
        les clés d'accès que tu ne connais pas. \
        Si tu ne peux plus te connecter, demande un nouvel accès par e-mail.";
    let event = |title, what| Words { title, paragraphs: [what, NOT_ME], action: "Ouvrir mon compte" };
    match topic {
        Topic::Verification => Words {
            title: "Confirme ton adresse e-mail",
            paragraphs: [
                "Cette adresse a été indiquée pour un compte Autrement Capable. Ouvre le lien pour confirmer qu'elle est à toi. Il marche pendant 24 heures.",
                "Si tu n'as rien demandé, tu n'as rien à faire : ignore ce message.",
            ],
            action: "Confirmer mon adresse",
        },
        Topic::AlreadyRegistered => Words {
            title: "Tu as déjà un compte",
            paragraphs: [
                "Quelqu'un, toi peut-être, a indiqué cette adresse pour un nouveau compte Autrement Capable. Elle a déjà un compte : connecte-toi avec celui-ci. Si tu as oublié ton mot de passe, demande un nouvel accès.",
                "Si ce n'était pas toi, tu n'as rien à faire : ton compte n'a pas changé.",
            ],
            action: "Me connecter",
        },
        Topic::Recovery => Words {
            title: "Retrouve l'accès à ton compte",
            paragraphs: [
                "Un nouvel accès à ton compte Autrement Capable a été demandé. Ouvre le lien pour choisir un mot de passe ou ajouter une clé d'accès. Il marche une fois, pendant 30 minutes.",
                "Si tu n'as rien demandé, tu n'as rien à faire : ton compte n'a pas changé. Ne donne ce lien à personne.",
            ],
            action: "Retrouver mon accès",
        },
        Topic::Receipt => Words {
            title: "Ton compte est supprimé",
            paragraphs: [
                "Ton compte Autrement Capable et tout ce qu'il contenait sont supprimés, pour toujours. Voici ce qui a été supprimé :",
                "Nous gardons seulement que quelqu'un a accepté les conditions d'utilisation, et quel jour, sans savoir qui. Ce message est le dernier : ton adresse n'est plus chez nous.",
            ],
            action: "Autrement Capable",
        },
        Topic::Event(Event::PasskeyAdded) => {
            event("Une clé d'accès a été ajoutée", "Une clé d'accès a été ajoutée à ton compte. Elle permet de se connecter.")
        }
        Topic::Event(Event::PasskeyRemoved) => event(
            "Une clé d'accès a été retirée",
            "Une clé d'accès a été retirée de ton compte. Elle ne permet plus de se connecter.",
        ),
        Topic::Event(Event::PasskeySuspect) => event(
            "Une connexion a été refusée",
            "Une de tes clés d'accès a donné une réponse ancienne. Elle a peut-être été copiée : la connexion a été refusée. Si cela se répète, retire cette clé et ajoutes-en une autre.",
        ),
        Topic::Event(Event::EmailChanged) => Words {
            title: "Ton adresse e-mail a été changée",
            paragraphs: [
                "Ton compte a maintenant une autre adresse e-mail. Celle-ci ne sert plus pour ton compte.",
                "Si ce n'était pas toi : essaie de te connecter avec ta clé d'accès et remets ton adresse. Si tu n'y arrives pas, demande de l'aide à l'équipe d'Autrement Capable.",
            ],
            action: "Ouvrir mon compte",
        },
        Topic::Event(Event::Recovered) => event(
            "Ton compte a un nouvel accès",
            "Quelqu'un a retrouvé l'accès à ton compte avec un lien reçu par e-mail. Tous les appareils ont été déconnectés.",
        ),
        Topic::Event(Event::PasswordChanged) => event(
            "Ton mot de passe a été changé",
            "Le mot de passe de ton compte a été changé. Les autres appareils ont été déconnectés.",
        ),
    }
}

fn english(topic: Topic) -> Words {
    const NOT_ME: &str = "If it was not you: open your account, sign out every device, change your password and remove the passkeys \
        that you do not know. If you can't sign in any more, ask for a new way in by e-mail.";
    let event = |title, what| Words { title, paragraphs: [what, NOT_ME], action: "Open my account" };
    match topic {
        Topic::Verification => Words {
            title: "Confirm your e-mail address",
            paragraphs: [
                "This address was given for an account at Autrement Capable. Open the link to confirm that it is yours. It works for 24 hours.",
                "If you did not ask for this, there is nothing to do: ignore this message.",
            ],
            action: "Confirm my address",
        },
        Topic::AlreadyRegistered => Words {
            title: "You already have an account",
            paragraphs: [
                "Somebody, perhaps you, gave this address for a new account at Autrement Capable. It has an account already: sign in to that one. If you forgot your password, ask for a new way in.",
                "If it was not you, there is nothing to do: your account has not changed.",
            ],
            action: "Sign in",
        },
        Topic::Recovery => Words {
            title: "Get back into your account",
            paragraphs: [
                "A new way into your account at Autrement Capable was asked for. Open the link to choose a password or add a passkey. It works once, for 30 minutes.",
                "If you did not ask for this, there is nothing to do: your account has not changed. Give this link to nobody.",
            ],
            action: "Get back in",
        },
        Topic::Receipt => Words {
            title: "Your account is deleted",
            paragraphs: [
                "Your account at Autrement Capable and everything in it are deleted, for good. This is what was deleted:",
                "All that we keep is that somebody accepted the terms, and on which day, not who. This is the last message: your address is no longer with us.",
            ],
            action: "Autrement Capable",
        },
        Topic::Event(Event::PasskeyAdded) => {
            event("A passkey was added", "A passkey was added to your account. It can be used to sign in.")
        }
        Topic::Event(Event::PasskeyRemoved) => {
            event("A passkey was removed", "A passkey was removed from your account. It can't be used to sign in any more.")
        }
        Topic::Event(Event::PasskeySuspect) => event(
            "A sign-in was refused",
            "One of your passkeys gave an old answer. It may have been copied: the sign-in was refused. If this happens again, remove that passkey and add another.",
        ),
        Topic::Event(Event::EmailChanged) => Words {
            title: "Your e-mail address was changed",
            paragraphs: [
                "Your account has another e-mail address now. This one is no longer used for your account.",
                "If it was not you: try to sign in with your passkey and put your address back. If you can't, ask the team of Autrement Capable for help.",
            ],
            action: "Open my account",
        },
        Topic::Event(Event::Recovered) => event(
            "Your account has a new way in",
            "Somebody got back into your account with a link received by e-mail. Every device was signed out.",
        ),
        Topic::Event(Event::PasswordChanged) => {
            event("Your password was changed", "The password of your account was changed. The other devices were signed out.")
        }
    }
}

/// What was erased, a line a kind.
pub(super) fn erased(counts: &BTreeMap<String, i64>, language: Language) -> Vec<String> {
    let lines = KINDS.iter().filter_map(|(kind, name)| Some((*kind, *counts.get(*name)?)));
    lines
        .map(|(kind, count)| {
            format!("{}{} {count}", kind_name(kind, language), if language == Language::French { "\u{a0}:" } else { ":" })
        })
        .collect()
}

fn kind_name(kind: Kind, language: Language) -> &'static str {
    let (french, english) = match kind {
        Kind::Details => ("ton profil (nom, âge, adresses)", "your profile (name, age, addresses)"),
        Kind::Plays => ("parties des jeux", "plays of the games"),
        Kind::SaveIds => ("numéros de sauvegardes", "ids of saves"),
        Kind::Avatars => ("avatar", "avatar"),
        Kind::Passions => ("passions", "passions"),
        Kind::Pictures => ("photos", "pictures"),
        Kind::TermsAgreements => ("accords aux conditions d'utilisation", "agreements to the terms"),
        Kind::Passkeys => ("clés d'accès", "passkeys"),
        Kind::Sessions => ("appareils connectés", "signed-in devices"),
        Kind::Ceremonies => ("opérations en cours avec une clé d'accès", "operations under way with a passkey"),
        Kind::Recoveries => ("liens pour retrouver l'accès", "links to get back in"),
        Kind::Mails => ("messages en attente", "messages that waited to be sent"),
        Kind::DataExports => ("copies de tes données", "copies of your data"),
        Kind::AuditEntries => ("lignes du journal du compte", "lines of the account's log"),
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

const NAME: &str = "Autrement Capable";

/// As plain text.
pub(super) fn plain(words: &Words, lines: &[String], link: &str) -> String {
    let [first, second] = words.paragraphs;
    let lines: String =
        lines.iter().map(|line| format!("- {line}\n")).chain((!lines.is_empty()).then(|| "\n".to_owned())).collect();
    format!("{first}\n\n{lines}{}\n{link}\n\n{second}\n\n{NAME}\n", words.action)
}

/// As a page: large type, one link, nothing that is fetched.
pub(super) fn html(words: &Words, lines: &[String], link: &str, language: Language) -> String {
    let items: Vec<_> = lines.iter().map(|line| escape(line)).collect();
    let list = if items.is_empty() { String::new() } else { format!("<ul><li>{}</li></ul>", items.join("</li><li>")) };
    let [first, second] = words.paragraphs.map(escape);
    let (title, action, link, tag) = (escape(words.title), escape(words.action), escape(link), language.tag());
    format!(
        "<!doctype html><html lang=\"{tag}\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body style=\"font:18px/1.6 sans-serif;max-width:36em;margin:1em auto;padding:0 1em;color:#222\">\
         <h1 style=\"font-size:1.3em\">{title}</h1><p>{first}</p>{list}<p><a href=\"{link}\">{action}</a></p><p>{second}</p>\
         <p>{NAME}</p></body></html>"
    )
}
