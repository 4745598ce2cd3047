//! A piece of audio held in memory at the legs' formats, so that playing it is copying bytes.

/// Decoded once, played by any number of legs.
pub struct Clip {
    pcmu: Box<[u8]>,
    pcma: Box<[u8]>,
}

impl Clip {
    /// Samples in the clip; one byte each in either form.
    pub fn len(&self) -> usize {
        self.pcmu.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pcmu.is_empty()
    }

    pub fn pcmu(&self) -> &[u8] {
        &self.pcmu
    }

    pub fn pcma(&self) -> &[u8] {
        &self.pcma
    }
}
