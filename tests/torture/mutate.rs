//! Messages with a few bytes changed, from a seed.

use cordboard::ids::Random;

/// Changes a few bytes: flips, cuts, doubles, moves, and puts in what parsers trip over.
pub fn mutate(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    const TOKENS: [&[u8]; 16] = [
        b"\r\n",
        b"\r\n\r\n",
        b"\r\n ",
        b"\0",
        b"\xff\xfe",
        b";;",
        b",,",
        b"<",
        b">",
        b"\"",
        b"\\",
        b"%",
        b"%00",
        b"[::1]",
        b"99999999999999999999",
        b";tag=",
    ];
    for _ in 0..=random.below(4) {
        let length = bytes.len() as u32;
        let at = random.below(length) as usize;
        let end = (at + random.below(40) as usize).min(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(length) as usize;
                bytes.splice(to..to, piece);
            }
            3 => bytes.truncate(at),
            4 => {
                let token = TOKENS[random.below(16) as usize];
                bytes.splice(at..at, token.iter().copied());
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
    bytes
}
