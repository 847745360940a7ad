//! Two curves over weeks, in characters.

use journeyman_learn::Week;

/// How many columns the curves take at most, and how many lines.
const COLUMNS: usize = 78;
const LINES: usize = 16;

/// Repeated purchases week by week, as they were (`o`) and as foretold (`*`; `@` where both are), and where the time
/// begins that the model has not seen (`|`).
pub(super) fn drawn(weekly: &[Week], calibration_weeks: usize) -> String {
    let most = weekly.iter().map(|week| week.expected.max(f64::from(week.actual))).fold(1.0, f64::max);
    let columns = weekly.len().min(COLUMNS);
    let week_at = |column: usize| &weekly[(column + 1) * weekly.len() / columns - 1];
    let line_of = |value: f64| ((value / most) * (LINES - 1) as f64).round() as usize;
    let edge = calibration_weeks * columns / weekly.len().max(1);
    let mut out = String::from("repeated purchases since the first week: o actual  * expected  @ both\n\n");
    for line in (0..LINES).rev() {
        let label = most * line as f64 / (LINES - 1) as f64;
        let label = if line.is_multiple_of(5) { format!("{label:>9.0} ") } else { " ".repeat(10) };
        let cells = (0..columns).map(|column| {
            let week = week_at(column);
            match (line_of(f64::from(week.actual)) == line, line_of(week.expected) == line) {
                (true, true) => '@',
                (true, false) => 'o',
                (false, true) => '*',
                (false, false) if column == edge && edge > 0 => '|',
                (false, false) => ' ',
            }
        });
        let cells: String = cells.collect();
        out.push_str(format!("{label}{cells}").trim_end());
        out.push('\n');
    }
    let middle = if edge > 0 && calibration_weeks < weekly.len() {
        format!("week {calibration_weeks}")
    } else {
        String::new()
    };
    let last = format!("week {}", weekly.len());
    let before = edge.max(7);
    let between = columns.saturating_sub(before + middle.len()).max(last.len() + 1);
    out.push_str(&format!("{:10}{:<before$}{middle}{last:>between$}\n", "", "week 1"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves() {
        let weekly: Vec<Week> =
            (1..=90).map(|week| Week { week, expected: f64::from(week) * 1.1, actual: week }).collect();
        let drawn = drawn(&weekly, 45);
        assert!(drawn.lines().all(|line| line.chars().count() <= 100), "{drawn}");
        assert!(drawn.contains("week 45") && drawn.trim_end().ends_with("week 90"), "{drawn}");
        assert!(drawn.matches(['o', '*', '@']).count() > 78, "{drawn}");
        for short in [1, 2, 7] {
            assert!(super::drawn(&weekly[..short], 1).contains('@'));
        }
    }
}
