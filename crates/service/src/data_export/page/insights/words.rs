//! The words of the results, in each language.

use crate::game::insights::traits::TraitGroup;
use crate::language::Language;

/// What the results say.
pub(super) struct Words {
    pub(super) traits: &'static str,
    pub(super) traits_about: &'static str,
    /// How many points: one, more.
    pub(super) points: [&'static str; 2],
    pub(super) trait_groups: &'static str,
    pub(super) logic: &'static str,
    pub(super) solved: &'static str,
    pub(super) longest_run: &'static str,
    pub(super) typing: &'static str,
    pub(super) level: &'static str,
    pub(super) per_minute: &'static str,
    pub(super) accuracy: &'static str,
    pub(super) jobs: &'static str,
    /// Liked, undecided, not for them.
    pub(super) job_choices: [&'static str; 3],
    pub(super) skills: &'static str,
    /// Strong, to learn, with support, to discover, left for later.
    pub(super) standings: [&'static str; 5],
    pub(super) room: &'static str,
    /// Preferred, difficult, tried.
    pub(super) rooms: [&'static str; 3],
    /// Light, its colour, the room's, what is heard, how loud, others, how it felt, what they said.
    pub(super) conditions: [&'static str; 8],
    pub(super) objects: &'static str,
}

const FRENCH: Words = Words {
    traits: "Tes qualités au travail",
    traits_about: "Ce que tes choix dans les mises en situation ont montré, du plus fort au moins fort.",
    points: ["point", "points"],
    trait_groups: "Par domaine",
    logic: "Suites de formes",
    solved: "Niveaux réussis",
    longest_run: "Le plus de niveaux réussis d'affilée",
    typing: "Vitesse de frappe",
    level: "Niveau",
    per_minute: "mots par minute",
    accuracy: "Précision",
    jobs: "Les métiers",
    job_choices: ["Ceux qui te plaisent", "Tu ne sais pas encore", "Pas pour toi"],
    skills: "Tes compétences",
    standings: ["Tes points forts", "Tu aimerais apprendre", "Avec un coup de main", "À découvrir", "Gardé pour plus tard"],
    room: "Ta pièce idéale",
    rooms: ["Tu t'y sens bien", "Plus difficile pour toi", "Tu as aussi essayé"],
    conditions: [
        "Lumière",
        "Couleur de la lumière",
        "Couleur de la pièce",
        "Sons",
        "Volume",
        "Autres personnes",
        "Ton ressenti",
        "Tes mots",
    ],
    objects: "Ce que tu y as mis",
};

const ENGLISH: Words = Words {
    traits: "Your strengths at work",
    traits_about: "What your choices in the workplace scenarios showed, the strongest first.",
    points: ["point", "points"],
    trait_groups: "By area",
    logic: "Shape sequences",
    solved: "Levels solved",
    longest_run: "The most levels solved in a row",
    typing: "Typing speed",
    level: "Level",
    per_minute: "words a minute",
    accuracy: "Accuracy",
    jobs: "Jobs",
    job_choices: ["Those you like", "You don't know yet", "Not for you"],
    skills: "Your skills",
    standings: ["What you are good at", "You would like to learn", "With some support", "To discover", "Left for later"],
    room: "Your ideal room",
    rooms: ["You feel well there", "Harder for you", "You also tried"],
    conditions: [
        "Light",
        "Colour of the light",
        "Colour of the room",
        "Sounds",
        "Volume",
        "Other people",
        "How it felt",
        "Your words",
    ],
    objects: "What you put into it",
};

/// In this language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::French => &FRENCH,
        Language::English => &ENGLISH,
    }
}

/// A trait's name, for those that are not in one word as the game has them.
pub(super) fn trait_name(name: &str, language: Language) -> String {
    const NAMES: [(&str, &str, &str); 29] = [
        ("assertivite", "Assertivité", "Assertiveness"),
        ("communication", "Communication", "Communication"),
        ("diplomatie", "Diplomatie", "Diplomacy"),
        ("ecouteActive", "Écoute active", "Active listening"),
        ("negociation", "Négociation", "Negotiation"),
        ("franchise", "Franchise", "Frankness"),
        ("empathie", "Empathie", "Empathy"),
        ("espritEquipe", "Esprit d'équipe", "Team spirit"),
        ("soutien", "Soutien", "Support"),
        ("mediation", "Médiation", "Mediation"),
        ("inclusion", "Inclusion", "Inclusion"),
        ("coaching", "Coaching", "Coaching"),
        ("adaptabilite", "Adaptabilité", "Adaptability"),
        ("initiative", "Initiative", "Initiative"),
        ("reflexionRapide", "Réflexion rapide", "Quick thinking"),
        ("gestionStress", "Gestion du stress", "Handling stress"),
        ("creativite", "Créativité", "Creativity"),
        ("responsabilite", "Responsabilité", "Responsibility"),
        ("anticipation", "Anticipation", "Thinking ahead"),
        ("observation", "Observation", "Observation"),
        ("apprentissage", "Apprentissage", "Learning"),
        ("gestionTemps", "Gestion du temps", "Managing time"),
        ("decision", "Décision", "Decision"),
        ("confianceEnSoi", "Confiance en soi", "Self-confidence"),
        ("autonomie", "Autonomie", "Autonomy"),
        ("patience", "Patience", "Patience"),
        ("curiosite", "Curiosité", "Curiosity"),
        ("pragmatisme", "Pragmatisme", "Pragmatism"),
        ("assurance", "Assurance", "Assurance"),
    ];
    let known = NAMES.iter().find(|(known, _, _)| *known == name);
    known.map_or(name, |(_, french, english)| if language == Language::French { french } else { english }).to_owned()
}

/// What traits have to do with.
pub(super) fn group(group: TraitGroup, language: Language) -> &'static str {
    let (french, english) = match group {
        TraitGroup::Communication => ("Communication", "Communication"),
        TraitGroup::Relationships => ("Relations", "Relationships"),
        TraitGroup::Adaptability => ("Adaptation", "Adaptability"),
        TraitGroup::Organisation => ("Organisation", "Organisation"),
        TraitGroup::Autonomy => ("Autonomie", "Autonomy"),
        TraitGroup::Other => ("Autres", "Others"),
    };
    if language == Language::French { french } else { english }
}
