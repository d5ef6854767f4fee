//! Names for requests: what the caller is shown, and what the operator searches the log for.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of one request and its decision, written as 32 hexadecimal digits. It is no secret and grants nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId {
    process: u64,
    number: u64,
}

/// The two digits of every byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let digits = b"0123456789abcdef";
    let mut byte = 0;
    while byte < pairs.len() {
        #[expect(clippy::indexing_slicing, reason = "below 256 and 16, at compile time")]
        {
            pairs[byte] = [digits[byte >> 4], digits[byte & 0xf]];
        }
        byte += 1;
    }
    pairs
};

impl DecisionId {
    /// The digits, in ASCII.
    pub fn digits(self) -> [u8; 32] {
        let mut digits = [0; 32];
        let bytes = self.process.to_be_bytes().into_iter().chain(self.number.to_be_bytes());
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = PAIRS.get(usize::from(byte)).copied().unwrap_or_default();
        }
        digits
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.process, self.number)
    }
}

/// Gives each request of a process its own name: a number that is random for the process, and a count.
#[derive(Debug)]
pub struct DecisionIds {
    process: u64,
    next: AtomicU64,
}

impl DecisionIds {
    /// Names that begin with a number of this process alone. It comes from the seed of the standard library's hash
    /// maps, which the operating system draws: enough that two processes do not share names, and ids need no more.
    pub fn random() -> DecisionIds {
        DecisionIds::from_process(RandomState::new().hash_one(std::process::id()))
    }

    /// Names that begin with `process` and count from zero: what a test wants.
    pub fn from_process(process: u64) -> DecisionIds {
        DecisionIds { process, next: AtomicU64::new(0) }
    }

    /// The next name.
    pub fn next(&self) -> DecisionId {
        DecisionId { process: self.process, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_32_digits_the_same_way_twice() {
        let ids = DecisionIds::from_process(0x0123_4567_89ab_cdef);
        ids.next();
        let id = ids.next();
        assert_eq!(id.to_string(), "0123456789abcdef0000000000000001");
        assert_eq!(id.digits().as_slice(), id.to_string().as_bytes());
    }

    #[test]
    fn never_gives_one_name_twice() {
        let ids = DecisionIds::random();
        assert_ne!(ids.next(), ids.next());
        assert_ne!(DecisionIds::random().next(), DecisionIds::random().next());
    }
}
