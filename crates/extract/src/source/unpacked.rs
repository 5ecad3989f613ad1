//! Packed files: how far they may unpack, and what they are if not what they are called.

use std::io::{self, Cursor, Read};

/// Unpacked bytes that no file is refused for.
const FREE: u64 = 16 << 20;
/// How a file of another kind begins, what it is, and what to set.
const KINDS: [(&[u8], &str, &str); 5] = [
    (b"\x1f\x8b", "a gzip file", "set `compression: gzip`; if it is set, the file is packed twice"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "set `compression: zstd`; if it is set, the file is packed twice"),
    (b"PK\x03\x04", "a zip archive or a workbook", "set `format: xlsx` for a workbook, and unpack an archive"),
    (b"PAR1\x15", "a Parquet file", "set `format: parquet`"),
    (b"SQLite format 3\0", "a SQLite database", "read it through a connection of `type: sqlite`"),
];
const LONGEST_MARK: usize = 16;

/// The limit was passed; `io::Error` carries it to whoever reads.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than {limit} bytes")]
pub(super) struct Overgrown {
    pub limit: u64,
}

/// Bytes that a file of this size may unpack to.
pub(super) fn limit(packed: u64, expansion: u64) -> u64 {
    packed.saturating_mul(expansion).max(FREE)
}

/// Unpacked bytes up to a limit; more are an error, never a shorter file.
pub(super) struct Unpacked<R> {
    inner: R,
    limit: u64,
    read: u64,
}

impl<R> Unpacked<R> {
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit, read: 0 }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.inner.read(buffer)?;
        self.read += size as u64;
        if self.read > self.limit {
            return Err(io::Error::other(Overgrown { limit: self.limit }));
        }
        Ok(size)
    }
}

/// The reader as it was, and, if its first bytes are those of another kind of file, which, and what to do.
pub(super) fn recognised<R: Read + Send + 'static>(mut reader: R) -> io::Result<(Box<dyn Read + Send>, Option<String>)> {
    let mut first = Vec::with_capacity(LONGEST_MARK);
    reader.by_ref().take(LONGEST_MARK as u64).read_to_end(&mut first)?;
    let kind = KINDS.iter().find(|(mark, ..)| first.starts_with(mark));
    let told = kind.map(|(_, kind, help)| format!("it begins as {kind} does\n  help: {help}"));
    Ok((Box::new(Cursor::new(first).chain(reader)), told))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_may_be_reached() {
        let mut read = Vec::new();
        Unpacked::new(&b"12345"[..], 5).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"12345");
        let error = Unpacked::new(&b"12345"[..], 4).read_to_end(&mut read).unwrap_err();
        assert!(error.get_ref().unwrap().is::<Overgrown>());
        assert_eq!((limit(10, 200), limit(1 << 20, 200)), (16 << 20, 200 << 20));
    }

    #[test]
    fn files_of_another_kind_are_known_by_their_first_bytes() {
        let told = |bytes: &'static [u8]| {
            let (mut reader, told) = recognised(bytes).unwrap();
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
            told.unwrap_or_default()
        };
        assert!(told(b"\x1f\x8b\x08\x00").contains("gzip"));
        assert!(told(b"PK\x03\x04").contains("xlsx"));
        assert_eq!([told(b"PAR1,PAR2\n"), told(b"order_id,quantity\n"), told(b"")], [""; 3]);
    }
}
