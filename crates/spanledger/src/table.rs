//! Tables for people: columns as wide as their widest cell, numbers to the right.

/// Renders rows under a head.
pub(crate) fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let widths: Vec<usize> = (0..head.len()).map(|column| width(&head, rows, column)).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let lines = [&head, &rule].into_iter().chain(rows);
    lines.map(|cells| line(cells, &widths)).collect::<Vec<_>>().join("\n")
}

fn width(head: &[String], rows: &[Vec<String>], column: usize) -> usize {
    let cells = rows.iter().map(|cells| cells.get(column)).chain([head.get(column)]);
    cells.flatten().map(|cell| cell.chars().count()).max().unwrap_or_default()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
        0 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_under_their_head() {
        let rows = [vec!["gpt-5".to_owned(), "7".to_owned()], vec!["o4".to_owned(), "1234".to_owned()]];
        let expected = "model  calls\n-----  -----\ngpt-5      7\no4      1234";
        assert_eq!(render(&["model", "calls"], &rows), expected);
    }
}
