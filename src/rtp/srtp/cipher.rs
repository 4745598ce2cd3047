//! The keys of a session and what they do to one packet.

use super::{KEY_MAX, MasterKey, Profile, SALT_MAX};
use aes::{Aes128, Aes256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;
use subtle::ConstantTimeEq;

const AUTH_KEY_LEN: usize = 20;
const GCM_IV_LEN: usize = 12;
/// The longest of all profiles; a packet bears as much of it as its profile says.
pub(super) const TAG_MAX: usize = AUTH_KEY_LEN;

/// The keys of a session, for RTP or for RTCP.
pub(super) enum Keys {
    /// RFC 3711 sections 4.1.1 and 4.2.
    CounterMode {
        cipher: [u8; 16],
        salt: [u8; SALT_MAX],
        /// Keyed already; each packet begins with a copy.
        mac: Hmac<Sha1>,
    },
    /// RFC 7714. None where the library takes no such key, which it always does: nothing opens then.
    Gcm { key: Option<Box<LessSafeKey>>, salt: [u8; GCM_IV_LEN] },
}

impl Keys {
    pub(super) fn is_aead(&self) -> bool {
        matches!(self, Keys::Gcm { .. })
    }

    /// Encrypts the payload of an RTP packet, and gives its tag.
    pub(super) fn seal_rtp(&self, ssrc: u32, index: u64, header: &[u8], payload: &mut [u8]) -> [u8; TAG_MAX] {
        match self {
            Keys::CounterMode { .. } => {
                self.crypt(ssrc, index, payload);
                self.mac(&[header, payload, &rollover(index)])
            }
            Keys::Gcm { .. } => self.seal(ssrc, index, &[header, &[]], payload),
        }
    }

    /// Checks the tag of an RTP packet, and decrypts its payload where it fits. False where it does not: what the payload is
    /// then is of no use.
    pub(super) fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> bool {
        match self {
            Keys::CounterMode { .. } => {
                let is_authentic = is_same(&self.mac(&[header, payload, &rollover(index)]), tag);
                if is_authentic {
                    self.crypt(ssrc, index, payload);
                }
                is_authentic
            }
            Keys::Gcm { .. } => self.open(ssrc, index, &[header, &[]], payload, tag),
        }
    }

    /// The same with RTCP; `marked` is the index with the bit that says that the packet is encrypted.
    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        marked: u32,
        header: &[u8],
        payload: &mut [u8],
    ) -> [u8; TAG_MAX] {
        let (index, marked) = (u64::from(marked & 0x7FFF_FFFF), marked.to_be_bytes());
        match self {
            Keys::CounterMode { .. } => {
                self.crypt(ssrc, index, payload);
                self.mac(&[header, payload, &marked])
            }
            Keys::Gcm { .. } => self.seal(ssrc, index, &[header, &marked], payload),
        }
    }

    pub(super) fn open_rtcp(
        &self,
        ssrc: u32,
        marked: u32,
        header: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> bool {
        let (index, marked) = (u64::from(marked & 0x7FFF_FFFF), marked.to_be_bytes());
        match self {
            Keys::CounterMode { .. } => {
                let is_authentic = is_same(&self.mac(&[header, payload, &marked]), tag);
                if is_authentic {
                    self.crypt(ssrc, index, payload);
                }
                is_authentic
            }
            Keys::Gcm { .. } => self.open(ssrc, index, &[header, &marked], payload, tag),
        }
    }

    /// Encrypts or decrypts in counter mode. RFC 3711 section 4.1.1.
    pub(super) fn crypt(&self, ssrc: u32, index: u64, payload: &mut [u8]) {
        let Keys::CounterMode { cipher, salt, .. } = self else { return };
        let mut iv = [0; 16];
        iv[..SALT_MAX].copy_from_slice(salt);
        for (byte, with) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= with;
        }
        for (byte, with) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= with;
        }
        Ctr128BE::<Aes128>::new(&(*cipher).into(), &iv.into()).apply_keystream(payload);
    }

    /// Over the packet and what is not sent of its index. RFC 3711 section 4.2.
    fn mac(&self, parts: &[&[u8]]) -> [u8; TAG_MAX] {
        let Keys::CounterMode { mac, .. } = self else { return [0; TAG_MAX] };
        let mut mac = mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }

    fn seal(&self, ssrc: u32, index: u64, beside: &[&[u8]; 2], payload: &mut [u8]) -> [u8; TAG_MAX] {
        let mut tag = [0; TAG_MAX];
        let Keys::Gcm { key: Some(key), salt } = self else { return tag };
        let mut room = [0; BESIDE_MAX];
        let sealed = joined(beside, &mut room).and_then(|beside| {
            let nonce = nonce(salt, ssrc, index);
            key.seal_in_place_separate_tag(nonce, Aad::from(beside), payload).ok()
        });
        match sealed {
            Some(sealed) => tag.iter_mut().zip(sealed.as_ref()).for_each(|(byte, of)| *byte = *of),
            // Never as it is: a header of that length is none of ours.
            None => payload.fill(0),
        }
        tag
    }

    fn open(&self, ssrc: u32, index: u64, beside: &[&[u8]; 2], payload: &mut [u8], tag: &[u8]) -> bool {
        let Keys::Gcm { key: Some(key), salt } = self else { return false };
        let mut room = [0; BESIDE_MAX];
        let (Some(beside), Ok(tag)) = (joined(beside, &mut room), tag.try_into()) else { return false };
        let nonce = nonce(salt, ssrc, index);
        key.open_in_place_separate_tag(nonce, Aad::from(beside), tag, payload, 0..).is_ok()
    }
}

/// A header of RTP with sixteen sources and an extension of 64 words; browsers' have some 20 bytes.
const BESIDE_MAX: usize = 12 + 16 * 4 + 4 + 64 * 4;

/// What is authenticated and not encrypted, in one piece.
fn joined<'a>(parts: &[&[u8]; 2], room: &'a mut [u8; BESIDE_MAX]) -> Option<&'a [u8]> {
    let (first, second) = (parts[0], parts[1]);
    let length = first.len() + second.len();
    room.get_mut(..first.len())?.copy_from_slice(first);
    room.get_mut(first.len()..length)?.copy_from_slice(second);
    room.get(..length)
}

/// RFC 7714 sections 8.1 and 9.1: sixteen bits of zero, the source, and 48 bits of index, with the salt over it.
fn nonce(salt: &[u8; GCM_IV_LEN], ssrc: u32, index: u64) -> Nonce {
    let mut iv = *salt;
    for (byte, with) in iv[2..6].iter_mut().zip(ssrc.to_be_bytes()) {
        *byte ^= with;
    }
    for (byte, with) in iv[6..12].iter_mut().zip(&index.to_be_bytes()[2..]) {
        *byte ^= with;
    }
    Nonce::assume_unique_for_key(iv)
}

fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// Whether a tag is the beginning of the one that was expected.
fn is_same(expected: &[u8; TAG_MAX], tag: &[u8]) -> bool {
    expected.get(..tag.len()).is_some_and(|expected| expected.ct_eq(tag).into())
}

/// The keys for RTP and for RTCP. RFC 3711 section 4.3, with a key derivation rate of zero.
pub(super) fn keys(profile: Profile, master: &MasterKey) -> (Keys, Keys) {
    let counter_mode = |first: u8| {
        let (mut cipher, mut auth, mut salt) = ([0; 16], [0; AUTH_KEY_LEN], [0; SALT_MAX]);
        derive(profile, master, first, &mut cipher);
        derive(profile, master, first + 1, &mut auth);
        derive(profile, master, first + 2, &mut salt);
        // A key of any length is taken.
        let mac = Hmac::new_from_slice(&auth).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Keys::CounterMode { cipher, salt, mac }
    };
    let gcm = |first: u8| {
        let (mut key, mut salt) = ([0; KEY_MAX], [0; GCM_IV_LEN]);
        let algorithm = if profile == Profile::Gcm256 { &AES_256_GCM } else { &AES_128_GCM };
        let key = &mut key[..profile.key_len()];
        derive(profile, master, first, key);
        derive(profile, master, first + 2, &mut salt);
        Keys::Gcm {
            key: UnboundKey::new(algorithm, key).ok().map(|key| Box::new(LessSafeKey::new(key))),
            salt,
        }
    };
    match profile {
        Profile::Tag80 | Profile::Tag32 => (counter_mode(0), counter_mode(3)),
        Profile::Gcm128 | Profile::Gcm256 => (gcm(0), gcm(3)),
    }
}

/// A shorter salt has zeros at its end (RFC 7714 section 11), which a master key has.
pub(super) fn derive(profile: Profile, master: &MasterKey, label: u8, key: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..profile.salt_len()].copy_from_slice(&master.salt[..profile.salt_len()]);
    iv[7] ^= label;
    let mut short = [0; 16];
    short.copy_from_slice(&master.key[..16]);
    match profile {
        Profile::Gcm256 => Ctr128BE::<Aes256>::new(&master.key.into(), &iv.into()).apply_keystream(key),
        _ => Ctr128BE::<Aes128>::new(&short.into(), &iv.into()).apply_keystream(key),
    }
}
