//! Pictures of figures, as SVG that is readable on light and dark pages: bars side by side, and curves.

pub(crate) mod lines;

use crate::results::Spread;

const LABEL_WIDTH: f64 = 230.0;
const BARS_WIDTH: f64 = 440.0;
const VALUE_WIDTH: f64 = 110.0;
const ROW_HEIGHT: f64 = 30.0;
const TITLE_HEIGHT: f64 = 44.0;
/// What text takes of a row, above its middle.
const TEXT_DROP: f64 = 5.0;

/// Colours of text and lines.
const STYLE: &str = "<style>text { fill: #24292f } line { stroke: #24292f } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } line { stroke: #e6edf3 } }</style>";

/// A row of a picture.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) spread: Spread,
    /// Whether it is what the others are compared with.
    pub(crate) is_ours: bool,
}

/// A bar for each, from 0 to the median, with a line from the least to the most.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.spread.most).fold(f64::MIN_POSITIVE, f64::max);
    let width = LABEL_WIDTH + BARS_WIDTH + VALUE_WIDTH;
    let height = TITLE_HEIGHT + ROW_HEIGHT * bars.len() as f64 + 8.0;
    let rows: String = bars.iter().enumerate().map(|(place, bar)| row(bar, place, most)).collect();
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" font-family="sans-serif" font-size="13">
{STYLE}
<text x="8" y="24" font-weight="bold">{}</text>
{rows}</svg>
"##,
        escaped(title)
    )
}

fn row(bar: &Bar, place: usize, most: f64) -> String {
    let Spread { least, median, most: highest } = bar.spread;
    let at = |value: f64| LABEL_WIDTH + BARS_WIDTH * value / most;
    let top = TITLE_HEIGHT + ROW_HEIGHT * place as f64;
    let middle = top + ROW_HEIGHT / 2.0;
    let fill = if bar.is_ours { "#2f81f7" } else { "#8b949e" };
    format!(
        r#"<text x="{:.0}" y="{:.0}" text-anchor="end">{}</text>
<rect x="{LABEL_WIDTH}" y="{:.0}" width="{:.1}" height="{:.0}" fill="{fill}"/>
<line x1="{:.1}" x2="{:.1}" y1="{middle:.0}" y2="{middle:.0}"/>
<text x="{:.1}" y="{:.0}">{}</text>
"#,
        LABEL_WIDTH - 8.0,
        middle + TEXT_DROP,
        escaped(&bar.label),
        top + 5.0,
        at(median) - LABEL_WIDTH,
        ROW_HEIGHT - 10.0,
        at(least),
        at(highest),
        at(highest.max(median)) + 6.0,
        middle + TEXT_DROP,
        rounded(median),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Three digits, or as many as stand before the point.
pub(crate) fn rounded(figure: f64) -> String {
    let decimals = match figure.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{figure:.decimals$}");
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0
            && (whole.len() - place).is_multiple_of(3)
            && digit.is_ascii_digit()
            && !grouped.ends_with('-')
        {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or(grouped.clone(), |rest| format!("{grouped}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, median: f64) -> Bar {
        let spread = Spread { least: median, median, most: median };
        Bar { label: label.to_owned(), spread, is_ours: false }
    }

    #[test]
    fn bars_are_as_long_as_their_figures() {
        let picture = bars("t", &[bar("a", 10.0), bar("b", 5.0)]);
        assert!(picture.contains(r#"width="440.0" height="20""#), "{picture}");
        assert!(picture.contains(r#"width="220.0" height="20""#), "{picture}");
    }

    #[test]
    fn names_cannot_break_the_picture() {
        assert!(bars("a < b & c", &[]).contains("a &lt; b &amp; c"));
    }

    #[test]
    fn large_figures_have_their_thousands_apart_and_small_ones_three_digits() {
        let of = [4.957, 12.34, 607.4, 123_456.7].map(rounded);
        assert_eq!(of, ["4.96", "12.3", "607", "123,457"]);
    }
}
