use sha2::{Digest, Sha256};

/// Where the random choices come from.
pub trait Draws {
    /// A number, equally likely to be any, for a purpose and a cell: the same whenever it is asked for.
    fn draw(&self, purpose: &str, cell: &str) -> u64;
}

/// What only the publisher knows: one for a period and all its editions. An attacker who had it could
/// run the program on every table that he thinks possible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl Secret {
    /// The secret that a text stands for.
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
