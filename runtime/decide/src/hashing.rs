//! Hashes of files.

use std::io::{self, Read as _};
use std::path::Path;

/// Bytes of a file that are hashed at a time.
const PIECE: usize = 64 * 1024;

/// A file's hash (`blake3:` and hexadecimal digits) and its length in bytes, read piece by piece.
pub fn file_hash(path: &Path) -> io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = blake3::Hasher::new();
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((format!("blake3:{}", hash.finalize().to_hex()), bytes));
        }
        hash.update(piece.get(..read).unwrap_or_default());
        bytes += u64::try_from(read).unwrap_or_default();
    }
}
