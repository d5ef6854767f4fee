//! As much of HTTP/1.1 as is needed between programs that are known to behave.

/// The end of the head that `bytes` begins with, past its empty line.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    // Heads end soon; looking for the line feed alone is as fast as anything.
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == b'\n') {
        let at = from + at;
        if bytes.get(at + 1) == Some(&b'\r') && bytes.get(at + 2) == Some(&b'\n') {
            return Some(at + 3);
        }
        from = at + 1;
    }
    None
}

/// The length that a head states; 0 where it states none.
pub fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length:";
    head.split(|byte| *byte == b'\n')
        .find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))
        .and_then(|line| std::str::from_utf8(&line[NAME.len()..]).ok()?.trim().parse().ok())
        .unwrap_or(0)
}
