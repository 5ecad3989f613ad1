//! A fitted model, as the figures of a customer see it.

use crate::dropout::{self, Kind};
use crate::ladder::{self, Ladder};
use crate::pareto;
use crate::table::Table;

/// A model with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Predictor {
    /// r, α, a, b.
    Dropout(Kind, [f64; 4]),
    /// r, α, s, β.
    Pareto([f64; 4]),
    /// r, α.
    Nbd([f64; 2]),
}

impl Predictor {
    /// P(alive) of every row of the table, in their order.
    pub fn alive(&self, table: &Table) -> Vec<f64> {
        match self {
            Self::Dropout(kind, parameters) => dropout::alive(*kind, table, *parameters),
            Self::Pareto(parameters) => pareto::alive(table, *parameters),
            Self::Nbd(_) => vec![1.0; table.rows.len()],
        }
    }

    /// What the model says of active customers with `repeats` repeat purchases.
    pub fn forecast(&self, repeats: u32) -> Forecast {
        let x = f64::from(repeats);
        let ladder = match self {
            Self::Dropout(kind, [r, _, a, b]) => Ladder::new(r + x, *a, b + f64::from(repeats + kind.first_chances())),
            Self::Pareto([r, ..]) | Self::Nbd([r, _]) => Ladder::endless(r + x),
        };
        Forecast { predictor: *self, x, ladder }
    }
}

/// Purchases to come of active customers of one x, by T and the time ahead. Times are in the unit of the fit.
#[derive(Debug, Clone)]
pub struct Forecast {
    predictor: Predictor,
    x: f64,
    ladder: Ladder,
}

impl Forecast {
    /// Mean number of purchases.
    pub fn expected(&mut self, observed: f64, ahead: f64) -> f64 {
        match self.predictor {
            Predictor::Dropout(_, [_, alpha, ..]) => self.ladder.expected(ahead / (alpha + observed)),
            Predictor::Pareto(parameters) => pareto::future::expected(parameters, self.x, observed, ahead),
            Predictor::Nbd([r, alpha]) => (r + self.x) * ahead / (alpha + observed),
        }
    }

    /// Chance of at least one purchase.
    pub fn buys(&self, observed: f64, ahead: f64) -> f64 {
        match self.predictor {
            Predictor::Dropout(_, [r, alpha, ..]) | Predictor::Nbd([r, alpha]) => {
                ladder::buys(r + self.x, ahead / (alpha + observed))
            }
            Predictor::Pareto(parameters) => pareto::future::buys(parameters, self.x, observed, ahead),
        }
    }

    /// The chance of each number of purchases, from 0 on.
    pub fn distribution(&mut self, observed: f64, ahead: f64, probabilities: &mut Vec<f64>) {
        match self.predictor {
            Predictor::Dropout(_, [_, alpha, ..]) | Predictor::Nbd([_, alpha]) => {
                self.ladder.distribution(ahead / (alpha + observed), probabilities);
            }
            Predictor::Pareto(parameters) => {
                pareto::future::distribution(parameters, &mut self.ladder, self.x, observed, ahead, probabilities);
            }
        }
    }
}
