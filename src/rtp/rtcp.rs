//! RTCP compound packets: SR, RR, SDES with a CNAME, and BYE. RFC 3550 section 6.

/// Packet types, RFC 3550 section 12.1.
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const CNAME: u8 = 1;

/// What one side says of the other's packets. RFC 3550 section 6.4.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReportBlock {
    /// Whose packets.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning; 24 bits with sign.
    pub cumulative_lost: i32,
    pub highest_sequence: u32,
    /// In timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last SR from there; 0 for none.
    pub last_sender_report: u32,
    /// Since that SR came, in 65,536ths of a second.
    pub delay_since: u32,
}

/// What a sender says of its own stream. RFC 3550 section 6.4.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SenderInfo {
    /// 32 bits of seconds and 32 of fraction.
    pub ntp: u64,
    pub rtp_timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// What a compound packet says that we can use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compound {
    /// Who sent it.
    pub ssrc: u32,
    pub sender: Option<SenderInfo>,
    /// The last report block about the source that was asked for.
    pub block: Option<ReportBlock>,
    /// The sender leaves.
    pub bye: bool,
}

/// Why bytes are not an RTCP compound packet (RFC 3550 A.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RtcpError {
    #[error("RTCP packets are cut or do not add up to the datagram")]
    Length,
    #[error("RTCP version {0} is not 2")]
    Version(u8),
    #[error("a compound packet begins with type {0}, not with a report")]
    NoReport(u8),
}

impl Compound {
    /// Reads a datagram; of its report blocks the one about `about`.
    pub fn parse(bytes: &[u8], about: u32) -> Result<Self, RtcpError> {
        let mut compound = Compound::default();
        let mut rest = bytes;
        let mut first = true;
        while !rest.is_empty() {
            let [flags, kind, high, low] = *rest.first_chunk().ok_or(RtcpError::Length)?;
            if flags >> 6 != 2 {
                return Err(RtcpError::Version(flags >> 6));
            }
            if first && kind != SENDER_REPORT && kind != RECEIVER_REPORT {
                return Err(RtcpError::NoReport(kind));
            }
            let len = 4 + usize::from(u16::from_be_bytes([high, low])) * 4;
            let body = rest.get(4..len).ok_or(RtcpError::Length)?;
            compound.take(kind, flags & 0x1F, body, first, about)?;
            rest = rest.get(len..).unwrap_or_default();
            first = false;
        }
        if first { Err(RtcpError::Length) } else { Ok(compound) }
    }

    fn take(&mut self, kind: u8, count: u8, body: &[u8], first: bool, about: u32) -> Result<(), RtcpError> {
        let mut read = Reader(body);
        match kind {
            SENDER_REPORT | RECEIVER_REPORT => {
                let ssrc = read.u32()?;
                if first {
                    self.ssrc = ssrc;
                }
                if kind == SENDER_REPORT {
                    let ntp = u64::from(read.u32()?) << 32 | u64::from(read.u32()?);
                    self.sender = Some(SenderInfo {
                        ntp,
                        rtp_timestamp: read.u32()?,
                        packets: read.u32()?,
                        octets: read.u32()?,
                    });
                }
                for _ in 0..count {
                    let block = read.block()?;
                    if block.ssrc == about {
                        self.block = Some(block);
                    }
                }
            }
            GOODBYE => self.bye = true,
            _ => {}
        }
        Ok(())
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn u32(&mut self) -> Result<u32, RtcpError> {
        let (value, rest) = self.0.split_first_chunk().ok_or(RtcpError::Length)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*value))
    }

    fn block(&mut self) -> Result<ReportBlock, RtcpError> {
        let ssrc = self.u32()?;
        let loss = self.u32()?;
        Ok(ReportBlock {
            ssrc,
            fraction_lost: (loss >> 24) as u8,
            // 24 bits with sign.
            cumulative_lost: (loss << 8) as i32 >> 8,
            highest_sequence: self.u32()?,
            jitter: self.u32()?,
            last_sender_report: self.u32()?,
            delay_since: self.u32()?,
        })
    }
}

/// Who we are in RTCP.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    pub ssrc: u32,
    /// A name that lives as long as the leg and says nothing of us (RFC 7022 section 4.2).
    pub cname: u64,
}

impl Identity {
    /// Appends a compound packet: SR where `sender` is given, else RR; SDES; BYE where we leave.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        sender: Option<&SenderInfo>,
        block: Option<&ReportBlock>,
        bye: bool,
    ) {
        let kind = if sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        let words = 1 + if sender.is_some() { 5 } else { 0 } + if block.is_some() { 6 } else { 0 };
        header(out, u8::from(block.is_some()), kind, words);
        put(out, self.ssrc);
        if let Some(info) = sender {
            put(out, (info.ntp >> 32) as u32);
            put(out, info.ntp as u32);
            put(out, info.rtp_timestamp);
            put(out, info.packets);
            put(out, info.octets);
        }
        if let Some(block) = block {
            put(out, block.ssrc);
            put(out, u32::from(block.fraction_lost) << 24 | (block.cumulative_lost as u32 & 0xFF_FFFF));
            put(out, block.highest_sequence);
            put(out, block.jitter);
            put(out, block.last_sender_report);
            put(out, block.delay_since);
        }
        self.write_description(out);
        if bye {
            header(out, 1, GOODBYE, 1);
            put(out, self.ssrc);
        }
    }

    fn write_description(&self, out: &mut Vec<u8>) {
        // SSRC, then type, length and 16 letters, then the zero that ends the chunk and one to fill the word.
        header(out, 1, SOURCE_DESCRIPTION, 1 + 5);
        put(out, self.ssrc);
        out.extend([CNAME, 16]);
        for nibble in (0..16).rev() {
            let digit = (self.cname >> (nibble * 4)) as u8 & 15;
            out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
        }
        out.extend([0, 0]);
    }
}

fn header(out: &mut Vec<u8>, count: u8, kind: u8, words: u16) {
    out.extend([0x80 | count, kind]);
    out.extend(words.to_be_bytes());
}

fn put(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: SenderInfo = SenderInfo { ntp: 0x1_8000_0000, rtp_timestamp: 5, packets: 6, octets: 7 };
    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 99,
        fraction_lost: 3,
        cumulative_lost: -2,
        highest_sequence: 70_000,
        jitter: 12,
        last_sender_report: 8,
        delay_since: 9,
    };

    fn written(sender: Option<&SenderInfo>, block: Option<&ReportBlock>, bye: bool) -> Vec<u8> {
        let mut out = Vec::new();
        Identity { ssrc: 42, cname: 0x0123_4567_89AB_CDEF }.write(&mut out, sender, block, bye);
        out
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for (sender, block, bye) in [
            (Some(SENDER), Some(BLOCK), false),
            (Some(SENDER), None, true),
            (None, Some(BLOCK), true),
            (None, None, false),
        ] {
            let bytes = written(sender.as_ref(), block.as_ref(), bye);
            assert_eq!(Compound::parse(&bytes, 99), Ok(Compound { ssrc: 42, sender, block, bye }));
        }
    }

    #[test]
    fn an_empty_receiver_report_with_a_name_is_these_bytes() {
        let mut expected = vec![0x80, 201, 0, 1, 0, 0, 0, 42];
        expected.extend([0x81, 202, 0, 6, 0, 0, 0, 42, 1, 16]);
        expected.extend(b"0123456789abcdef\0\0");
        assert_eq!(written(None, None, false), expected);
    }

    #[test]
    fn a_block_about_another_source_is_not_ours() {
        let bytes = written(Some(&SENDER), Some(&BLOCK), false);
        assert_eq!(Compound::parse(&bytes, 98).map(|compound| compound.block), Ok(None));
    }

    #[test]
    fn what_is_cut_or_does_not_begin_with_a_report_is_refused() {
        let whole = written(Some(&SENDER), Some(&BLOCK), true);
        for len in 0..whole.len() {
            // A cut between two packets of the compound leaves a smaller one.
            let whole_packets = [52, 80].contains(&len);
            assert_eq!(Compound::parse(&whole[..len], 99).is_ok(), whole_packets, "{len} bytes");
        }
        assert_eq!(Compound::parse(&whole[52..], 99), Err(RtcpError::NoReport(202)));
        assert_eq!(Compound::parse(&[0x00, 201, 0, 0], 99), Err(RtcpError::Version(0)));
        assert_eq!(Compound::parse(&[0x9F, 201, 0, 1, 0, 0, 0, 1], 99), Err(RtcpError::Length));
    }
}
