//! The languages that people are written to in, and clients are told things in.

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// French, the platform's own.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// Its primary subtag (BCP 47).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    /// The language of a tag, `fr` or `en-GB`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        [Self::French, Self::English].into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The language that errors are told in: English where nothing is wished, for whoever writes a client.
    #[must_use]
    pub fn of_messages(wished: Option<Self>) -> Self {
        wished.unwrap_or(Self::English)
    }

    /// The language that a client would rather have (`Accept-Language`, RFC 9110, section 12.5.4), if it has a wish that is known here.
    #[must_use]
    pub fn wished(accept_language: &str) -> Option<Self> {
        let ranges = accept_language.split(',').filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight: f32 = weight.trim().strip_prefix("q=").map_or(Some(1.0), |text| text.trim().parse().ok())?;
            Some((Self::of_tag(tag.trim())?, weight)).filter(|(_, weight)| *weight > 0.0)
        });
        // The first of those with the same weight.
        ranges.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_wish_with_the_greatest_weight_counts() {
        for (header, language) in [
            ("", None),
            ("de", None),
            ("*", None),
            ("en;q=0", None),
            ("en-GB,en;q=0.9,fr;q=0.8", Some(Language::English)),
            ("fr;q=0.8, en;q=0.9", Some(Language::English)),
            ("fr, en", Some(Language::French)),
            ("de, fr-CA;q=0.5, en;q=0", Some(Language::French)),
            ("en;q=x, fr;q=0.1", Some(Language::French)),
        ] {
            assert_eq!(Language::wished(header), language, "{header}");
        }
    }
}
