//! One line of a segment: a checksum, the server's name, the call record.

use std::io::Write;

/// The checksum of Ethernet and gzip: it finds any burst of 32 bits and all but one of 4,000,000,000 other faults.
const CRC: crc::Crc<u32, crc::Table<16>> = crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISO_HDLC);
/// Its eight hexadecimal digits and a space.
const CHECKSUM_LENGTH: usize = 9;

/// Appends a line. `node` has no space; `document` is JSON without line breaks.
pub fn write(text: &mut Vec<u8>, node: &str, document: &[u8]) {
    let start = text.len();
    text.extend_from_slice(b"00000000 ");
    text.extend_from_slice(node.as_bytes());
    text.push(b' ');
    text.extend_from_slice(document);
    let (head, body) = text[start..].split_at_mut(CHECKSUM_LENGTH);
    let _ = write!(&mut head[..8], "{:08x}", CRC.checksum(body));
    text.push(b'\n');
}

/// The server's name and the record of a line, without its line break. `None` where it is not as it was written.
pub fn read(line: &[u8]) -> Option<(&str, &str)> {
    let (head, body) = line.split_at_checked(CHECKSUM_LENGTH)?;
    let checksum = u32::from_str_radix(std::str::from_utf8(head).ok()?.strip_suffix(' ')?, 16).ok()?;
    if checksum != CRC.checksum(body) {
        return None;
    }
    std::str::from_utf8(body).ok()?.split_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written_and_not_with_any_bit_changed_or_any_end_missing() {
        let mut text = b"before\n".to_vec();
        write(&mut text, "east-1", "{\"a\":\"ü b\"}".as_bytes());
        let line = text.strip_prefix(b"before\n").and_then(|t| t.strip_suffix(b"\n")).unwrap();
        assert_eq!(read(line), Some(("east-1", "{\"a\":\"ü b\"}")));
        for bit in 0..line.len() * 8 {
            let mut damaged = line.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // The digits of the checksum may be written in capitals: the same number.
            assert!(
                read(&damaged).is_none() || bit / 8 < 8 && damaged.eq_ignore_ascii_case(line),
                "bit {bit}"
            );
        }
        for length in 0..line.len() {
            assert_eq!(read(&line[..length]), None, "{length} bytes");
        }
    }
}
