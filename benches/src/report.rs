//! The figures of a bench.

use serde_json::{Map, Value, json};

/// Figures by case, in the order they were added.
pub struct Report {
    bench: &'static str,
    cases: Vec<(String, Vec<(&'static str, f64)>)>,
}

impl Report {
    /// Without figures yet; says what is going to be measured.
    pub fn new(bench: &'static str, about: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        say(&format!("\n{bench}: {about} ({cores} cores)"));
        Self { bench, cases: Vec::new() }
    }

    /// Adds a case. A figure's name ends in its unit.
    pub fn add(&mut self, case: impl Into<String>, figures: Vec<(&'static str, f64)>) {
        let case = case.into();
        say(&format!("  measured: {case}"));
        self.cases.push((case, figures));
    }

    /// Prints the table and the lines of JSON.
    pub fn print(&self) {
        say(&self.table());
        self.cases.iter().for_each(|(case, figures)| say(&self.json(case, figures)));
    }

    /// A column for each case: there are more figures than cases.
    fn table(&self) -> String {
        let names: Vec<&str> =
            self.cases.first().into_iter().flat_map(|(_, figures)| figures).map(|(name, _)| *name).collect();
        let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
        let mut table = format!("\n{:width$}", "");
        for (case, _) in &self.cases {
            table.push_str(&format!("  {case:>24}"));
        }
        for (place, name) in names.iter().enumerate() {
            table.push_str(&format!("\n{name:width$}"));
            for (_, figures) in &self.cases {
                let text = figures.get(place).map(|(_, figure)| rounded(*figure)).unwrap_or_default();
                table.push_str(&format!("  {text:>24}"));
            }
        }
        table.push('\n');
        table
    }

    fn json(&self, case: &str, figures: &[(&'static str, f64)]) -> String {
        let mut line = Map::new();
        line.insert("bench".to_owned(), json!(self.bench));
        line.insert("case".to_owned(), json!(case));
        line.extend(figures.iter().map(|(name, figure)| (name.replace(' ', "_"), json!(figure))));
        Value::Object(line).to_string()
    }
}

fn rounded(figure: f64) -> String {
    let decimals = match figure.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{figure:.decimals$}")
}

#[expect(clippy::print_stdout, reason = "printing figures is the purpose of a bench; it prints here alone")]
fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_a_column_of_the_table_and_a_line_of_json() {
        let mut report = Report::new("decode", "a test");
        report.add("small", vec![("walk us", 0.534), ("spans", 1234.56)]);
        assert!(report.table().contains("\nspans                        1235\n"), "{}", report.table());
        let (case, figures) = &report.cases[0];
        let line = report.json(case, figures);
        assert_eq!(line, r#"{"bench":"decode","case":"small","spans":1234.56,"walk_us":0.534}"#);
    }
}
