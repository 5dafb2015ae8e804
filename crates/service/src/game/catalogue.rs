//! What there is to say of the games themselves.

use entity::game::GameKind;

use crate::language::Language;

/// What there is to say of a game.
#[derive(Clone, Copy, Debug)]
pub struct GameInfo {
    /// Its name.
    pub title: &'static str,
    /// What one does in it, in a sentence.
    pub description: &'static str,
    /// How many levels it has, as it is played today; `None` where it has none.
    pub levels: Option<i32>,
}

/// What there is to say of a game, in a language.
#[must_use]
pub fn info(kind: GameKind, language: Language) -> GameInfo {
    let (levels, french, english) = match kind {
        GameKind::Scenario => (
            Some(10),
            ("Mises en situation", "Des moments de la vie au travail : tu choisis ce que tu ferais."),
            ("Workplace scenarios", "Moments of life at work: you choose what you would do."),
        ),
        GameKind::ShapeSequence => (
            Some(12),
            ("Suites de formes", "Des formes se suivent : tu trouves celle qui vient après."),
            ("Shape sequences", "Shapes follow one another: you find the one that comes next."),
        ),
        GameKind::Jobs => (
            None,
            ("Métiers", "Des métiers à découvrir : tu dis ceux qui te plaisent."),
            ("Jobs", "Jobs to discover: you say which ones you like."),
        ),
        GameKind::Speed => (
            Some(8),
            ("Vitesse de frappe", "Des mots à taper au clavier, à ton rythme."),
            ("Typing speed", "Words to type on the keyboard, at your own pace."),
        ),
        GameKind::Abilities => {
            (None, ("Qualités", "Tu dis comment tu vois tes qualités."), ("Abilities", "You say how you see your own abilities."))
        }
        GameKind::Skills => (
            None,
            ("Compétences", "Tu dis ce que tu sais faire et ce que tu aimerais apprendre."),
            ("Skills", "You say what you can do and what you would like to learn."),
        ),
        GameKind::RoomEnv => (
            None,
            ("Pièce idéale", "Tu règles la lumière, les couleurs et les sons de la pièce où tu serais bien."),
            ("Ideal room", "You set the light, the colours and the sounds of the room that you would feel well in."),
        ),
    };
    let (title, description) = match language {
        Language::French => french,
        Language::English => english,
    };
    GameInfo { title, description, levels }
}
