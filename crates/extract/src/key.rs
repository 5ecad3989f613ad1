//! Surrogate keys: a stable 63-bit hash of the business id.
//!
//! The same id has the same key in every run and on every machine, so a report's filters survive a rebuild and a fact
//! row needs no join to find its dimension. Two ids of one key would be one member; the gate finds that as a repeated
//! key of the dimension (at ten million ids the chance is about 5e-6), unless one of them is in sales alone: it would pass for
//! the member that the source has (with a thousand such ids beside them about 1e-9).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use twox_hash::XxHash64;

/// The key of the `Unknown` member of every dimension.
pub const UNKNOWN: i64 = 0;

/// The key of a business id: the upper 63 bits of its XXH64 with seed 0, and never 0.
pub fn key_of(id: &str) -> i64 {
    let key = (XxHash64::oneshot(0, id.as_bytes()) >> 1).max(1);
    i64::try_from(key).unwrap_or(i64::MAX)
}

/// A set of surrogate keys.
pub type KeySet = HashSet<i64, BuildHasherDefault<KeyHasher>>;

/// Values by surrogate key. Its order of iteration is none; nothing published may follow it.
pub type KeyMap<V> = HashMap<i64, V, BuildHasherDefault<KeyHasher>>;

/// Keys are hashes already, so they are spread, not hashed again.
#[derive(Debug, Default, Clone, Copy)]
pub struct KeyHasher(u64);

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

/// The SQL function `surrogate_key(text) -> int64`; NULL has the key of the `Unknown` member.
pub fn surrogate_key() -> ScalarUDF {
    ScalarUDF::from(SurrogateKey {
        signature: Signature::uniform(1, vec![DataType::Utf8, DataType::Utf8View], Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SurrogateKey {
    signature: Signature,
}

impl ScalarUDFImpl for SurrogateKey {
    fn name(&self) -> &'static str {
        "surrogate_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(ids) = arrays.first() else {
            return datafusion::common::exec_err!("surrogate_key takes one text");
        };
        let key = |id: Option<&str>| id.map_or(UNKNOWN, key_of);
        let keys: Int64Array = match ids.as_string_opt::<i32>() {
            Some(ids) => ids.iter().map(key).collect(),
            None => cast(ids, &DataType::Utf8View)?.as_string_view().iter().map(key).collect(),
        };
        Ok(ColumnarValue::Array(Arc::new(keys)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_change() {
        // Published reports filter on these values: a change here is a breaking change.
        // The values are those of the reference implementation of XXH64.
        assert_eq!(key_of("CG-12520"), 7_231_149_435_022_796_332);
        assert_eq!(key_of("1"), 6_618_612_751_835_247_210);
        assert_eq!(key_of(""), 8_620_854_627_038_688_460);
    }
}
