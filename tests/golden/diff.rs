//! The lines in which two texts differ.

/// Lines that only the first text has with `-`, those that only the second has with `+`.
pub(crate) fn lines(was: &str, is: &str) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (was.lines().collect(), is.lines().collect());
    // The longest common run of lines from each pair of places on.
    let mut common = vec![vec![0_usize; is.len() + 1]; was.len() + 1];
    for i in (0..was.len()).rev() {
        for j in (0..is.len()).rev() {
            common[i][j] = match was[i] == is[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut told = String::new();
    while i < was.len() || j < is.len() {
        if i < was.len() && j < is.len() && was[i] == is[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == is.len() || (i < was.len() && common[i + 1][j] >= common[i][j + 1]) {
            told.push_str(&format!("- {}\n", was[i]));
            i += 1;
        } else {
            told.push_str(&format!("+ {}\n", is[j]));
            j += 1;
        }
    }
    told
}
