//! The codecs of a leg.

/// A codec that a leg can speak. RFC 3551 section 4.5.14 (G.711).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// G.711 µ-law, static payload type 0.
    Pcmu,
    /// G.711 A-law, static payload type 8.
    Pcma,
}
