//! "Did you mean": the known name that a misspelt one is closest to.

/// How many names are really compared; the rest is sorted out by length and letters alone.
const COMPARED_MAX: usize = 2_000;

/// The known name that `name` most likely stands for; only a near miss counts: a third of the letters, at most three.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    if length > 200 {
        return None;
    }
    let off_max = length.div_ceil(3).min(3);
    let letters = letters_of(&name);
    let mut best: Option<(usize, &'a str)> = None;
    let mut compared = 0;
    for candidate in known {
        // Cheap bounds first: a bundle may know a hundred thousand names.
        if candidate.len().abs_diff(name.len()) > off_max.saturating_mul(4)
            || (letters_of(candidate) ^ letters).count_ones() as usize > off_max.saturating_mul(2)
        {
            continue;
        }
        compared += 1;
        if compared > COMPARED_MAX {
            break;
        }
        let distance = strsim::osa_distance(&name, &candidate.to_lowercase());
        if distance <= off_max && distance < length && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Which letters occur, upper and lower case alike, one bit for each of 32.
fn letters_of(text: &str) -> u32 {
    text.bytes().filter(u8::is_ascii).fold(0, |set, byte| set | 1 << (byte.to_ascii_lowercase() & 31))
}
