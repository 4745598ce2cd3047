//! Whether a sound file has all that its header announces: a copy that broke off is no prompt.

/// Seconds that a header announces, and that are there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Missing {
    pub announced: f64,
    pub there: f64,
}

/// What may be missing where the header counts samples, in seconds: nobody hears it.
const EXACT: f64 = 0.02;
/// The same where a header may leave out or count what encoders put before and behind, and its share of the length.
const ROUGH: f64 = 0.5;
const ROUGH_SHARE: f64 = 0.02;
/// Sizes from here on are what programs write that do not know the length yet: 0xffffffff, or the most with a sign.
const SIZE_UNKNOWN: u32 = 0x7fff_0000;
/// Where the tag with a count of frames is looked for: behind a picture of the usual size.
const TAG_WITHIN: usize = 1_024 * 1_024;

/// Of a RIFF file, by the size of its `data` chunk.
pub fn wav(bytes: &[u8]) -> Option<Missing> {
    if !bytes.starts_with(b"RIFF") {
        return None;
    }
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let (mut at, mut bytes_a_second) = (12usize, 0);
    loop {
        let (name, size) = (bytes.get(at..at.checked_add(4)?)?, number(at + 4)?);
        match name {
            b"fmt " => bytes_a_second = number(at + 16)?,
            b"data" => {
                let there = bytes.len().saturating_sub(at + 8);
                if bytes_a_second == 0 || size >= SIZE_UNKNOWN {
                    return None;
                }
                let seconds = |bytes: f64| bytes / f64::from(bytes_a_second);
                return missing(seconds(f64::from(size)), seconds(there as f64), EXACT);
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = at.checked_add(8)?.checked_add(size as usize)?.checked_add(size as usize & 1)?;
    }
}

/// Of the other formats that have a header with a length, by what was decoded. Ogg has none, and the length of an mp3
/// without a count of frames is an estimate.
pub fn other(bytes: &[u8], announced: f64, there: f64) -> Option<Missing> {
    let rough = ROUGH + announced * ROUGH_SHARE;
    match bytes {
        _ if bytes.starts_with(b"fLaC") => missing(announced, there, EXACT),
        _ if bytes.get(4..8) == Some(b"ftyp") => missing(announced, there, rough),
        _ if bytes.starts_with(b"OggS") || bytes.starts_with(b"RIFF") => None,
        _ if counts_frames(bytes) => missing(announced, there, rough),
        _ => None,
    }
}

fn missing(announced: f64, there: f64, tolerance: f64) -> Option<Missing> {
    (announced - there > tolerance).then_some(Missing { announced, there })
}

/// Whether an mp3 has a tag that says how many frames follow: Xing or Info with that flag, or VBRI.
fn counts_frames(bytes: &[u8]) -> bool {
    let head = bytes.get(..TAG_WITHIN).unwrap_or(bytes);
    head.windows(8).any(|tag| match tag {
        [b'X', b'i', b'n', b'g', 0, 0, 0, flags] | [b'I', b'n', b'f', b'o', 0, 0, 0, flags] => flags & 1 == 1,
        [b'V', b'B', b'R', b'I', 0, 1, ..] => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds at 8 kHz, 16 bits, with a chunk before the sound.
    fn two_seconds(size: u32) -> Vec<u8> {
        let mut file =
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0".to_vec();
        file.extend_from_slice(b"LIST\x03\0\0\0abc\0data");
        file.extend_from_slice(&size.to_le_bytes());
        file.resize(file.len() + 32_000, 0);
        file
    }

    #[test]
    fn a_wav_file_that_breaks_off_is_told_by_its_seconds() {
        let file = two_seconds(32_000);
        assert_eq!(wav(&file), None);
        let found = wav(&file[..1_656]).unwrap();
        assert_eq!((found.announced, found.there), (2.0, 0.1));
        // A few samples are nothing; a length that nobody knew yet says nothing.
        assert_eq!(wav(&file[..file.len() - 100]), None);
        assert_eq!(wav(&two_seconds(u32::MAX)), None);
        assert_eq!(wav(&two_seconds(0)), None);
    }

    #[test]
    fn headers_of_hostile_files_are_read_within_their_bytes() {
        let file = two_seconds(32_000);
        (0..60).for_each(|length| assert_eq!(wav(&file[..length]).filter(|m| m.there > 0.001), None));
        let mut endless = file.clone();
        endless[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(wav(&endless), None);
    }

    #[test]
    fn an_estimate_is_no_announcement() {
        let with_count = b"\xff\xfb\x90\0Info\0\0\0\x0f....".as_slice();
        assert!(other(with_count, 2.0, 0.1).is_some());
        assert_eq!(other(with_count, 2.0, 1.6), None);
        assert_eq!(other(b"\xff\xfb\x90\0Info\0\0\0\x0e....", 2.0, 0.1), None);
        assert_eq!(other(b"\xff\xfb\x90\0", 2.0, 0.1), None);
        assert_eq!(other(b"OggS", 2.0, 0.1), None);
        assert!(other(b"fLaC", 2.0, 1.9).is_some());
        assert!(other(b"\0\0\0\x20ftypM4A ", 2.0, 0.1).is_some());
    }
}
