//! The members of the dimensions, and which column of which table points at them.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Keys of one dimension. They are hashes already, so they are not hashed again.
pub(crate) type Members = HashSet<i64, BuildHasherDefault<KeyHasher>>;

#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) ^ u64::from(*byte);
        }
    }

    fn write_i64(&mut self, key: i64) {
        // A table takes the lowest bits for the bucket and the highest for its tags; dates differ only low.
        self.0 = key.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// The dimensions read so far, by table name.
pub(crate) type Dimensions = BTreeMap<&'static str, Members>;

/// The dimension a column points at.
pub(crate) fn target(column: &str) -> Option<&'static str> {
    match column {
        "customer_key" => Some("dim_customer"),
        "region_key" => Some("dim_region"),
        _ if column.ends_with("product_key") => Some("dim_product"),
        _ if column.ends_with("date_key") => Some("dim_date"),
        _ => None,
    }
}
