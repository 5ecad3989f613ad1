//! Customer lifetime value: how often a customer will buy again, whether they still do, and what that is worth.
//!
//! A customer is x, `t_x`, T and m ([`Histories`]); a [`Collector`] makes them of purchase days. [`predict`] fits the models of
//! buying till one stops and of order values, chooses one by how well it told the purchases after earlier cut-offs, and gives
//! every customer their figures ([`Scores`]). Nothing fails: where the data do not bear a model a simpler one stands in, and
//! its status says so ([`FitStatus`], [`CustomerStatus`]). Same input, same bits, for any number of threads.
//!
//! The fits themselves are public for those who want to check them: tables of distinct histories in any unit of time
//! ([`table`]), the likelihoods with their derivatives ([`dropout`], [`pareto`], [`nbd`], [`gamma_gamma`]) and what follows
//! from them ([`predictor`], [`ladder`]).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

mod backtest;
mod cholesky;
mod collector;
pub mod curve;
mod digamma;
pub mod dropout;
pub mod fit;
pub mod gamma_gamma;
mod gauss_legendre;
mod histories;
pub mod ladder;
mod model;
pub mod nbd;
mod newton;
pub mod order_value;
pub mod pareto;
mod predict;
pub mod predictor;
mod rising;
mod score;
pub mod table;

pub use backtest::{BacktestRow, BucketKind};
pub use collector::{Collected, Collector, Cutoff};
pub use histories::Histories;
pub use model::{Choice, ChosenBy, FitStatus, Model, ModelRow, StartKind, Warm};
pub use predict::{LogScore, Options, Prediction, predict};
pub use score::{CustomerStatus, Scores};
