//! Shares of callers that stay the same from call to call.

use sha2::{Digest, Sha256};

/// What shares add up to.
pub(super) const WHOLE: u32 = 100;

/// A place below 100 that hangs on nothing but flow, step and caller: the first 64 bits of SHA-256, whose result
/// no version of a library changes. The step is in it so that two splits do not pick out the same callers.
pub(super) fn sticky_place(flow: &str, step: &str, caller: &str) -> u32 {
    let hash = Sha256::digest(format!("{flow}\0{step}\0{caller}").as_bytes());
    let first = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    ((u128::from(first) * u128::from(WHOLE)) >> 64) as u32
}
