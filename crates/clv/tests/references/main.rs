//! Figures of others: CDNOW, high-precision values, derivatives, and data that other libraries fail on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    clippy::similar_names
)]

mod cdnow;
mod golden;
mod gradients;
mod holdout;
mod invariance;
mod shop;
mod terms;
mod torture;
