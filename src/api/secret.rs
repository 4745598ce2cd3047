//! Secrets: tokens made of chance, their digests, passwords.

use crate::ids::{Random, hex};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Memory and passes of argon2id as OWASP's cheat sheet asks for at least (19 MiB, 2 passes, 1 lane): about 20 ms of a
/// core for each guess. More would be taken from calls, which run on the same cores.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
/// Hashings at a time. One, so that a flood of sign-ins takes half a core at the most of the two that calls need.
const AT_A_TIME: usize = 1;
/// Who waits longer for a turn is asked to come back: a hundred others are before him.
const TURN_TIME_MAX: Duration = Duration::from_secs(3);
/// Characters of a token: 5 bits each, 200 in all.
const TOKEN_CHARS: usize = 40;
/// Begins every API token, so that scanners of source code can find one that leaked.
pub const TOKEN_PREFIX: &str = "cb_";

/// The fewest and most characters of a password. At least 10 of any kind (NIST SP 800-63B asks for 8), and no more
/// than what could be meant to keep us busy.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 10..=256;

/// SHA-256 as hex. Enough for secrets of 200 random bits, which nobody guesses.
pub fn digest(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// What a page sends along with a change, so that no other site can make a browser change something: it follows from
/// the cookie's secret, which no page can read.
pub fn csrf_token(cookie_secret: &str) -> String {
    digest(format!("csrf {cookie_secret}").as_bytes())
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    a.iter().zip(b.iter()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// Makes tokens and ids.
#[derive(Clone)]
pub struct Mint(Arc<Mutex<Random>>);

impl Mint {
    pub fn new(random: Random) -> Self {
        Mint(Arc::new(Mutex::new(random)))
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// A secret nobody guesses.
    pub fn secret(&self) -> String {
        self.draw(Random::token::<TOKEN_CHARS>)
    }

    /// A name that was not used before: 80 bits after the prefix.
    pub fn id(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.draw(Random::token::<16>))
    }

    fn salt(&self) -> [u8; 16] {
        let (a, b) = self.draw(|random| (random.next_u64(), random.next_u64()));
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&a.to_be_bytes());
        salt[8..].copy_from_slice(&b.to_be_bytes());
        salt
    }
}

/// Hashes and checks passwords, on threads that may wait, few at a time.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    mint: Mint,
    /// Of no password: who has no hash is checked against this one, and takes as long.
    nobody: Arc<str>,
}

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many sign in at this moment")]
    Busy,
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("the thread that hashes ended: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl Passwords {
    pub fn new(mint: Mint) -> Result<Self, PasswordError> {
        let nobody = hash(&mint.secret(), mint.salt())?.into();
        Ok(Passwords { turns: Arc::new(Semaphore::new(AT_A_TIME)), mint, nobody })
    }

    /// The hash of a password, a PHC string.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let salt = self.mint.salt();
        self.in_turn(move || hash(&password, salt)).await?
    }

    /// Whether it is the password of that hash; never where there is no hash, after the same time.
    pub async fn is_right(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let nobody = self.nobody.clone();
        self.in_turn(move || {
            let verified = |hash: &str| Argon2::default().verify_password(password.as_bytes(), hash).is_ok();
            match hash {
                Some(hash) => verified(&hash),
                None => {
                    verified(&nobody);
                    false
                }
            }
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(TURN_TIME_MAX, self.turns.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(PasswordError::Busy) };
        Ok(tokio::task::spawn_blocking(move || {
            // Held by the thread: a client that goes away frees no turn while its hash is still made.
            let _turn = turn;
            work()
        })
        .await?)
    }
}

fn hash(password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or(Params::DEFAULT);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

impl From<PasswordError> for super::problem::Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                super::problem::Problem::unavailable("too many sign in at this moment").retry_after(2)
            }
            PasswordError::Hash(_) | PasswordError::Thread(_) => {
                tracing::error!(%error, "a password could not be hashed");
                super::problem::Problem::internal("the password could not be checked")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_for_its_own_hash_alone_and_never_for_nobody() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let passwords = Passwords::new(Mint::new(Random::from_seed(1))).unwrap();
            let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            assert!(passwords.is_right("correct horse".to_owned(), Some(hash.clone())).await.unwrap());
            assert!(!passwords.is_right("correct hors".to_owned(), Some(hash)).await.unwrap());
            assert!(!passwords.is_right("correct horse".to_owned(), None).await.unwrap());
            let garbage = Some("no hash".to_owned());
            assert!(!passwords.is_right("correct horse".to_owned(), garbage).await.unwrap());
        });
    }

    #[test]
    fn the_csrf_token_follows_from_the_cookie_and_does_not_tell_its_digest() {
        assert_eq!(csrf_token("a"), csrf_token("a"));
        assert_ne!(csrf_token("a"), csrf_token("b"));
        assert_ne!(csrf_token("a"), digest(b"a"));
    }

    #[test]
    fn texts_are_the_same_only_where_every_byte_is() {
        for (a, b, same) in
            [("", "", true), ("abc", "abc", true), ("abc", "abd", false), ("abc", "ab", false)]
        {
            assert_eq!(is_same(a, b), same, "{a} {b}");
        }
    }
}
