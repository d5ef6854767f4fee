//! Text in aligned columns.

/// Widest line of a table, in characters. A wider table is cut into several.
pub(crate) const WIDTH_MAX: usize = 128;

/// A table: rows of cells, the first `fixed` of which stand in every part of it.
pub(crate) struct Columns {
    pub(crate) heads: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) fixed: usize,
}

impl Columns {
    /// The table, cut into parts that are not too wide.
    pub(crate) fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.heads.len()).map(|at| self.width(at)).collect();
        let fixed: usize = widths[..self.fixed].iter().map(|width| width + 2).sum();
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut left = 0;
        for (at, width) in widths.iter().enumerate().skip(self.fixed) {
            match parts.last_mut() {
                Some(part) if width + 2 <= left => {
                    part.push(at);
                    left -= width + 2;
                }
                _ => {
                    parts.push(vec![at]);
                    left = WIDTH_MAX.saturating_sub(fixed + width + 2);
                }
            }
        }
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let parts: Vec<String> = parts
            .iter()
            .map(|part| {
                let columns: Vec<usize> = (0..self.fixed).chain(part.iter().copied()).collect();
                let lines = std::iter::once(&self.heads).chain(&self.rows);
                lines.map(|row| line(row, &columns, &widths)).collect::<String>()
            })
            .collect();
        parts.join("\n")
    }

    fn width(&self, at: usize) -> usize {
        let cells = std::iter::once(&self.heads).chain(&self.rows).map(|row| row[at].chars().count());
        cells.max().unwrap_or(0)
    }
}

fn line(row: &[String], columns: &[usize], widths: &[usize]) -> String {
    let cells: Vec<String> =
        columns.iter().map(|at| format!("{:width$}", row[*at], width = widths[*at])).collect();
    format!("{}\n", cells.join("  ").trim_end())
}
