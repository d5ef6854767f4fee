//! Public keys that are well formed and protect nothing.

/// The odd primes that the test below reads the modulus by.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus (big-endian) comes from the smart-card library of CVE-2017-15361, whose keys can be factored.
///
/// Its primes are a power of 65537 modulo the product of the first primes, and so is their product: modulo each small
/// prime the modulus lies in the group that 65537 generates. Of other moduli about one in a billion does.
pub(super) fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let rest = modulus.iter().fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime);
        let mut power = 1;
        // The group has fewer members than the prime has residues.
        (1..prime).any(|_| {
            power = power * 65537 % prime;
            power == rest
        })
    })
}

/// The y coordinates (little-endian, without the sign bit) of the points of Ed25519 whose order divides 8, in every
/// spelling that a decoder may take: 0, 1, the two of order 8, p - 1, and p and p + 1, which are 0 and 1 again.
/// Whoever knows nothing can make signatures that verify under such a key, and a key of nothing but zeros is one.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    starting_with(1),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    below_the_prime(0xec),
    below_the_prime(0xed),
    below_the_prime(0xee),
];

const fn starting_with(first: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    let [start, ..] = &mut bytes;
    *start = first;
    bytes
}

const fn below_the_prime(first: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    let [start, .., end] = &mut bytes;
    *start = first;
    *end = 0x7f;
    bytes
}

/// Whether an Ed25519 public key is one of the points of small order.
pub(super) fn is_small_order(mut point: [u8; 32]) -> bool {
    let [.., sign] = &mut point;
    *sign &= 0x7f;
    SMALL_ORDER.contains(&point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_modulus_whose_residues_are_all_powers_of_65537() {
        // 65537 to the power of 128, squared up in plain long multiplication.
        let mut modulus = vec![1, 0, 1];
        for _ in 0..7 {
            let mut square = vec![0_u32; modulus.len() * 2];
            for (i, a) in modulus.iter().rev().enumerate() {
                for (j, b) in modulus.iter().rev().enumerate() {
                    square[i + j] += u32::from(*a) * u32::from(*b);
                }
            }
            for i in 0..square.len() - 1 {
                square[i + 1] += square[i] >> 8;
                square[i] &= 0xff;
            }
            modulus = square.iter().rev().map(|byte| *byte as u8).collect();
        }
        assert!(is_roca(&modulus));
        *modulus.last_mut().unwrap() ^= 2;
        assert!(!is_roca(&modulus));
        assert!(!is_roca(&[0; 256]));
    }

    #[test]
    fn knows_the_points_of_small_order_whatever_their_sign() {
        for mut point in SMALL_ORDER {
            assert!(is_small_order(point));
            point[31] |= 0x80;
            assert!(is_small_order(point));
            point[7] ^= 1;
            assert!(!is_small_order(point));
        }
    }
}
