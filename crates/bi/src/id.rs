//! Identifiers that Power BI keeps for ever, made from names: writing the project again gives the same ones.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The namespace of the project's identifiers; changing it makes every one of them another.
const NAMESPACE: Uuid = Uuid::from_u128(0x9d0c_6b0e_52a4_5d0b_8f7e_1c36_0c36_0001);

/// The lasting identifier of what stands at `path`, such as `dim_customer/customer_key`.
pub(crate) fn guid(path: &str) -> String {
    Uuid::new_v5(&NAMESPACE, path.as_bytes()).to_string()
}

/// The name of a page or a visual: twenty hexadecimal digits.
pub(crate) fn short(path: &str) -> String {
    hash(path.as_bytes()).chars().take(20).collect()
}

/// The SHA-256 of `bytes` in hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
