use sha2::{Digest, Sha256};

/// Source of the random choices.
pub trait Draws {
    /// Returns a uniformly distributed number. The same purpose and cell always give the same
    /// number.
    fn draw(&self, purpose: &str, cell: &str) -> u64;
}

/// The publisher's secret: one for a period and all its editions. An attacker who has the secret
/// can run the program on every table that seems possible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl Secret {
    /// Derives the secret from a text by SHA-256.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl Draws for Secret {
    fn draw(&self, purpose: &str, cell: &str) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(purpose)
            .chain_update([0])
            .chain_update(cell)
            .finalize();
        let mut number = [0; 8];
        number.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(number)
    }
}
