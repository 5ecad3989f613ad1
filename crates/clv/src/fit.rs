//! Fitting a model of purchases, and what to do where the likelihood has no inner maximum.
//!
//! 1. No repeat purchase at all: one rate with the prior Gamma(1/2, 365 days) and the days of all customers (`no_repeats`).
//! 2. Fewer than 100 customers or 20 repeat purchases: maximum posterior, with ln parameter ~ N(ln centre, 2²)
//!    (`insufficient_data`).
//! 3. Maximum likelihood, from the last parameters or else from four guesses (`ok`).
//! 4. Nobody seems to stop: NBD (`boundary_nbd`).
//! 5. Maximum posterior (`map`), then MBG/NBD (`fallback_mbg`), then NBD (`fallback_nbd`), then one rate (`pooled_rate`).
//!
//! The guesses are tried on about 4,096 customers, and the best is brought to its maximum on all.

#![allow(clippy::cast_precision_loss, reason = "counts of customers and purchases are far below 2^52")]

use crate::curve::Curve;
use crate::dropout::{self, Kind};
use crate::model::{FitStatus, Model, ModelRow, StartKind, Warm, WarmStart, four, warm_start};
use crate::nbd;
use crate::newton::{End, Optimum, Region, maximise};
use crate::pareto;
use crate::predictor::Predictor;
use crate::table::Table;

const FEWEST_CUSTOMERS: u64 = 100;
const FEWEST_REPEATS: u64 = 20;
const SAMPLE: u64 = 4096;
/// Standard deviation of a logarithm under the prior.
const SPREAD: f64 = 2.0;
/// A chance to stop, at a purchase or within the mean time observed, that is taken for none.
const NO_DROPOUT: f64 = 1e-6;
/// Gain in log-likelihood over NBD below which a search without an inner maximum is taken to have found no dropout: two more
/// parameters that say nothing gain about as much.
const NO_GAIN: f64 = 1.0;

/// A model that can be predicted with, and its report.
#[derive(Debug, Clone)]
pub struct Fitted {
    pub model: Model,
    pub predictor: Predictor,
    pub row: ModelRow,
}

/// A likelihood to climb.
struct Climb<'a, const N: usize> {
    table: &'a Table,
    likelihood: &'a (dyn Fn(&Table, &[f64; N]) -> Curve<N> + Sync),
    is_boundary: &'a dyn Fn(&[f64; N]) -> bool,
    guesses: Vec<[f64; N]>,
    centre: [f64; N],
    warm: Option<WarmStart<N>>,
}

/// What the guesses are made of.
#[derive(Debug, Clone, Copy)]
struct Scale {
    mean_observed: f64,
    /// Days a customer takes for a repeat purchase, all customers pooled.
    pooled_gap: f64,
}

impl Scale {
    fn of(table: &Table) -> Self {
        let exposure = table.exposure().max(f64::MIN_POSITIVE);
        let mean_observed = exposure / table.customers().max(1) as f64;
        Self { mean_observed, pooled_gap: exposure / table.repeats().max(1) as f64 }
    }
}

impl<const N: usize> Climb<'_, N> {
    fn region(&self, table: &Table, spread: f64) -> Region<N> {
        Region { centre: self.centre, spread: [spread; N], customers: table.customers() as f64 }
    }

    fn from(&self, table: &Table, start: [f64; N]) -> Optimum<N> {
        let likelihood = |parameters: &[f64; N]| (self.likelihood)(table, parameters);
        maximise(&self.region(table, f64::INFINITY), start, likelihood, self.is_boundary)
    }

    /// The best of the guesses' maxima, those that were reached before those that were not.
    fn best_of_guesses(&self, table: &Table) -> Option<Optimum<N>> {
        let found = self.guesses.iter().map(|guess| self.from(table, *guess)).filter(|o| o.log_likelihood.is_finite());
        let rank = |o: &Optimum<N>| (o.end == End::Converged, o.log_likelihood);
        found.reduce(|best, next| if rank(&next) > rank(&best) { next } else { best })
    }

    /// Few enough customers to try guesses on, where there are many more.
    fn sample(&self) -> Option<Table> {
        // Enough that about a thousand repeat purchases are among them.
        let needed = SAMPLE.max(1000 * self.table.customers() / self.table.repeats().max(1));
        (self.table.customers() > 2 * needed).then(|| self.table.sample(needed))
    }

    fn cold(&self) -> Option<Optimum<N>> {
        let near = self.sample().and_then(|sample| self.best_of_guesses(&sample).map(|near| (sample, near)));
        if let Some((sample, near)) = near {
            // From the border of the region no search comes back: where few customers lead there, all are asked from inside it.
            let inner = if near.end == End::Open { self.posterior_of(&sample, self.centre) } else { None };
            let found = self.from(self.table, inner.unwrap_or(near).parameters);
            // Where neither few nor all have a maximum, there is none to look for.
            let is_settled = found.end == End::Converged || near.end != End::Converged;
            if is_settled && found.log_likelihood.is_finite() {
                return Some(found);
            }
        }
        self.best_of_guesses(self.table)
    }

    /// Maximum likelihood.
    fn top(&self) -> (Option<Optimum<N>>, StartKind) {
        if let Some(start) = self.warm {
            let found = self.from(self.table, start.parameters);
            if found.end == End::Converged {
                return (Some(found), StartKind::Warm);
            }
        }
        (self.cold(), StartKind::Cold)
    }

    fn posterior_of(&self, table: &Table, start: [f64; N]) -> Option<Optimum<N>> {
        let likelihood = |parameters: &[f64; N]| (self.likelihood)(table, parameters);
        let found = maximise(&self.region(table, SPREAD), start, likelihood, |_| false);
        (found.end == End::Converged).then_some(found)
    }

    /// Maximum posterior.
    fn posterior(&self) -> (Option<Optimum<N>>, StartKind) {
        let warm = self.warm.filter(|start| start.is_posterior);
        let warm = warm.and_then(|start| self.posterior_of(self.table, start.parameters));
        if warm.is_some() {
            return (warm, StartKind::Warm);
        }
        let near = self.sample().and_then(|sample| self.posterior_of(&sample, self.centre));
        let from_near = near.and_then(|near| self.posterior_of(self.table, near.parameters));
        (from_near.or_else(|| self.posterior_of(self.table, self.centre)), StartKind::Cold)
    }

    /// The first of the ways that leads to an optimum of this model.
    fn fit(&self, model: Model, nbd: Option<&Fitted>) -> Outcome<N> {
        let is_small = self.table.customers() < FEWEST_CUSTOMERS || self.table.repeats() < FEWEST_REPEATS;
        let report = |optimum: &Optimum<N>, start, status| report(model, self.table, optimum, start, status);
        let is_posterior = self.warm.is_some_and(|start| start.is_posterior);
        if !is_small && !is_posterior {
            let (found, start) = self.top();
            if let Some(found) = found {
                if found.end == End::Converged {
                    return Outcome::Found(found.parameters, report(&found, start, FitStatus::Ok).into());
                }
                let gain = nbd.and_then(|n| n.row.log_likelihood).map(|least| found.log_likelihood - least);
                if found.end == End::Boundary || gain.is_some_and(|gain| gain < NO_GAIN) {
                    return Outcome::Boundary;
                }
            }
        }
        let status = if is_small { FitStatus::InsufficientData } else { FitStatus::Map };
        match self.posterior() {
            (Some(found), start) => Outcome::Found(found.parameters, report(&found, start, status).into()),
            (None, _) => Outcome::None,
        }
    }
}

enum Outcome<const N: usize> {
    Found([f64; N], Box<ModelRow>),
    /// Nobody stops.
    Boundary,
    None,
}

fn report<const N: usize>(
    model: Model,
    table: &Table,
    optimum: &Optimum<N>,
    start_kind: StartKind,
    status: FitStatus,
) -> ModelRow {
    ModelRow {
        model: model.name(),
        parameters: four(&optimum.parameters),
        standard_errors: optimum.standard_errors.map_or([None; 4], |errors| four(&errors)),
        log_likelihood: Some(optimum.log_likelihood),
        customers: usize::try_from(table.customers()).unwrap_or(usize::MAX),
        distinct_rows: table.rows.len(),
        gradient_norm: Some(optimum.gradient_norm),
        iterations: optimum.steps,
        start_kind,
        status,
    }
}

/// NBD with one rate for all, or next to it.
fn one_rate(model: Model, table: &Table, parameters: [f64; 2], status: FitStatus) -> Fitted {
    let at = nbd::likelihood(table, &parameters);
    let row = ModelRow {
        model: model.name(),
        parameters: four(&parameters),
        standard_errors: [None; 4],
        log_likelihood: Some(at.value).filter(|value| value.is_finite() && !table.rows.is_empty()),
        customers: usize::try_from(table.customers()).unwrap_or(usize::MAX),
        distinct_rows: table.rows.len(),
        gradient_norm: None,
        iterations: 0,
        start_kind: StartKind::Cold,
        status,
    };
    Fitted { model, predictor: Predictor::Nbd(parameters), row }
}

/// Before anything is seen, half a purchase a year.
fn without_repeats(model: Model, table: &Table) -> Fitted {
    let status = if table.rows.is_empty() { FitStatus::InsufficientData } else { FitStatus::NoRepeats };
    one_rate(model, table, [0.5, 365.0 + table.exposure()], status)
}

/// The fit of another model under this one's name.
fn stands_in(model: Model, other: &Fitted, status: FitStatus) -> Fitted {
    let row = ModelRow { model: model.name(), status, ..other.row.clone() };
    Fitted { model, predictor: other.predictor, row }
}

pub fn fit_nbd(table: &Table, warm: &[Warm]) -> Fitted {
    let model = Model::Nbd;
    if table.repeats() == 0 {
        return without_repeats(model, table);
    }
    let scale = Scale::of(table);
    let guess = |shape: f64| [shape, shape * scale.pooled_gap];
    let climb = Climb {
        table,
        likelihood: &nbd::likelihood,
        is_boundary: &|_| false,
        guesses: vec![guess(0.5), guess(2.0)],
        centre: guess(0.5),
        warm: warm_start(warm, model.name()),
    };
    match climb.fit(model, None) {
        Outcome::Found(parameters, row) => Fitted { model, predictor: Predictor::Nbd(parameters), row: *row },
        Outcome::Boundary | Outcome::None => one_rate(model, table, guess(1.0), FitStatus::PooledRate),
    }
}

fn fit_dropout(kind: Kind, table: &Table, warm: &[Warm], nbd: &Fitted) -> Fitted {
    let model = if kind == Kind::BgNbd { Model::BgNbd } else { Model::MbgNbd };
    if table.repeats() == 0 {
        return without_repeats(model, table);
    }
    let Scale { mean_observed: mean, pooled_gap } = Scale::of(table);
    let likelihood = move |table: &Table, parameters: &[f64; 4]| dropout::likelihood(kind, table, parameters);
    let climb = Climb {
        table,
        likelihood: &likelihood,
        is_boundary: &|[_, _, a, b]| a / (a + b) < NO_DROPOUT,
        guesses: vec![
            [0.25, mean / 8.0, 0.8, 2.5],
            [1.0, mean / 4.0, 0.5, 1.0],
            [0.5, mean / 4.0, 2.0, 10.0],
            [0.1, mean / 10.0, 0.1, 5.0],
        ],
        centre: [0.5, 0.5 * pooled_gap, 0.5, 2.0],
        warm: warm_start(warm, model.name()),
    };
    match climb.fit(model, Some(nbd)) {
        Outcome::Found(parameters, row) => Fitted { model, predictor: Predictor::Dropout(kind, parameters), row: *row },
        Outcome::Boundary => stands_in(model, nbd, FitStatus::BoundaryNbd),
        Outcome::None if kind == Kind::BgNbd => after_failure(model, &fit_dropout(Kind::MbgNbd, table, &[], nbd), nbd),
        Outcome::None => stands_in(model, nbd, FitStatus::FallbackNbd),
    }
}

fn fit_pareto(table: &Table, warm: &[Warm], nbd: &Fitted) -> Fitted {
    let model = Model::ParetoNbd;
    if table.repeats() == 0 {
        return without_repeats(model, table);
    }
    let Scale { mean_observed: mean, pooled_gap } = Scale::of(table);
    let climb = Climb {
        table,
        likelihood: &pareto::likelihood,
        is_boundary: &|[_, _, s, beta]| s * mean / beta < NO_DROPOUT,
        guesses: vec![[0.5, mean / 4.0, 0.6, mean / 4.0], [1.0, mean / 4.0, 1.0, mean], [0.2, mean / 10.0, 0.2, mean / 10.0]],
        centre: [0.5, 0.5 * pooled_gap, 0.5, mean / 2.0],
        warm: warm_start(warm, model.name()),
    };
    match climb.fit(model, Some(nbd)) {
        Outcome::Found(parameters, row) => Fitted { model, predictor: Predictor::Pareto(parameters), row: *row },
        Outcome::Boundary => stands_in(model, nbd, FitStatus::BoundaryNbd),
        Outcome::None => after_failure(model, &fit_dropout(Kind::MbgNbd, table, &[], nbd), nbd),
    }
}

fn after_failure(model: Model, mbg: &Fitted, nbd: &Fitted) -> Fitted {
    match mbg.predictor {
        Predictor::Dropout(..) => stands_in(model, mbg, FitStatus::FallbackMbg),
        Predictor::Pareto(_) | Predictor::Nbd(_) => stands_in(model, nbd, FitStatus::FallbackNbd),
    }
}

/// Fits a model; `nbd` is the fit of NBD to the same table.
pub fn fit(model: Model, table: &Table, warm: &[Warm], nbd: &Fitted) -> Fitted {
    match model {
        Model::BgNbd => fit_dropout(Kind::BgNbd, table, warm, nbd),
        Model::MbgNbd => fit_dropout(Kind::MbgNbd, table, warm, nbd),
        Model::ParetoNbd => fit_pareto(table, warm, nbd),
        Model::Nbd => nbd.clone(),
    }
}
