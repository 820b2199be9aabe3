//! Count of different texts, exact or estimated.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Different values that are counted exactly.
pub(crate) const EXACT: usize = 4_096;

/// log2 of the registers of the estimate: 4,096 of them err by about 2 %.
const REGISTER_BITS: u32 = 12;

/// Counts different texts: exactly up to [`EXACT`], else by an estimate (HyperLogLog) in 4 KiB.
#[derive(Debug, Default)]
pub(crate) struct Distinct {
    exact: HashSet<u64, BuildHasherDefault<Hashed>>,
    registers: Vec<u8>,
}

/// Hasher of what is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = self.0.rotate_left(8) ^ hash;
    }
}

impl Distinct {
    /// Takes a text by its [`hash`].
    pub(crate) fn add(&mut self, hash: u64) {
        if self.is_estimated() {
            self.register(hash);
            return;
        }
        self.exact.insert(hash);
        if self.exact.len() > EXACT {
            self.registers = vec![0; 1 << REGISTER_BITS];
            let mut known: Vec<u64> = std::mem::take(&mut self.exact).into_iter().collect();
            known.sort_unstable();
            for hash in known {
                self.register(hash);
            }
        }
    }

    /// True where so many different texts were met that their number is estimated.
    pub(crate) fn is_estimated(&self) -> bool {
        !self.registers.is_empty()
    }

    fn register(&mut self, hash: u64) {
        let at = usize::try_from(hash >> (64 - REGISTER_BITS)).unwrap_or_default();
        let rest = hash << REGISTER_BITS;
        let rank = u8::try_from(rest.leading_zeros().min(64 - REGISTER_BITS) + 1).unwrap_or(u8::MAX);
        if let Some(register) = self.registers.get_mut(at) {
            *register = (*register).max(rank);
        }
    }

    /// Number of different texts, and whether that is an estimate.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate is rounded anyway"
    )]
    pub(crate) fn count(&self) -> (u64, bool) {
        if self.registers.is_empty() {
            return (u64::try_from(self.exact.len()).unwrap_or_default(), false);
        }
        let registers = self.registers.len() as f64;
        let sum: f64 = self.registers.iter().map(|rank| 0.5_f64.powi(i32::from(*rank))).sum();
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        let empty: usize = self.registers.iter().map(|rank| usize::from(*rank == 0)).sum();
        let estimate =
            if raw <= 2.5 * registers && empty > 0 { registers * (registers / empty as f64).ln() } else { raw };
        (estimate.round() as u64, true)
    }
}

/// FNV-1a with the last mixing of MurmurHash3: the same in every build, unlike the standard library's.
pub(crate) fn hash(text: impl AsRef<[u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.as_ref() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_counted_exactly_and_many_within_a_few_percent() {
        let mut distinct = Distinct::default();
        for number in 0..4_000 {
            distinct.add(hash(format!("C{:08}", number % 2_000)));
        }
        assert_eq!(distinct.count(), (2_000, false));
        for number in 0..300_000 {
            distinct.add(hash(format!("C{number:08}")));
        }
        let (count, estimated) = distinct.count();
        assert!(estimated && (285_000..315_000).contains(&count), "{count}");
    }
}
