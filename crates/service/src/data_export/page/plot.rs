//! Plots as inline SVG, each with its words: bars, whose label and value stand beside them, and a line, which is told in a sentence.

use std::fmt::Write as _;

use crate::text::escape;

/// A bar.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    /// The value as it is read.
    pub(super) shown: String,
}

/// Horizontal bars, a list: the text beside each says what it shows.
pub(super) fn bars(bars: &[Bar], most: f64) -> String {
    let mut list = String::from("<ul class=\"bars\">");
    for Bar { label, value, shown } in bars {
        let width = if most > 0.0 { (value / most * 100.0).clamp(0.0, 100.0) } else { 0.0 };
        let _ = write!(
            list,
            "<li><span class=\"label\">{}</span><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"all\" width=\"100\" height=\"10\"/><rect class=\"part\" width=\"{width:.1}\" height=\"10\"/></svg>\
             <span class=\"value\">{}</span></li>",
            escape(label),
            escape(shown)
        );
    }
    list + "</ul>"
}

/// Percentages in their order, as a line from the left to the right.
pub(super) fn line(percentages: impl Iterator<Item = f64>, told: &str) -> String {
    let points: Vec<_> = percentages.collect();
    #[expect(clippy::cast_precision_loss, reason = "some hundred points")]
    let step = 580.0 / points.len().saturating_sub(1).max(1) as f64;
    let mut path = String::new();
    for (at, percentage) in points.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "some hundred points")]
        let x = 10.0 + step * at as f64;
        let _ = write!(path, "{x:.1},{:.1} ", 110.0 - percentage.clamp(0.0, 100.0));
    }
    format!(
        "<svg class=\"line\" viewBox=\"0 0 600 120\" role=\"img\" aria-label=\"{}\"><path class=\"grid\" d=\"M10 10H590M10 60H590M10 110H590\"/>\
         <polyline points=\"{}\"/></svg>",
        escape(told),
        path.trim_end()
    )
}
