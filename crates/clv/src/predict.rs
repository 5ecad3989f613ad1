//! From histories to everything that is published.

use crate::backtest::{BacktestRow, Past};
use crate::collector::Cutoff;
use crate::fit::{Fitted, fit, fit_nbd};
use crate::histories::Histories;
use crate::model::{Choice, ChosenBy, FitStatus, Model, ModelRow, Warm};
use crate::order_value::{self, OrderValue, ValueFit};
use crate::predictor::Predictor;
use crate::score::{Basis, CustomerStatus, Scores, figures, of_customers};
use crate::table::{Order, Table, from_days};

/// What the figures are to be made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    pub model: Choice,
    /// 0.01 for 1 % a month.
    pub monthly_discount: f64,
    /// Share of revenue that is earned.
    pub margin: f64,
    /// Length of a month in days.
    pub month_days: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { model: Choice::Auto, monthly_discount: 0.01, margin: 1.0, month_days: 365.0 / 12.0 }
    }
}

impl Options {
    /// The options with figures that cannot be reckoned with replaced by those that change nothing.
    fn made_usable(self) -> Self {
        let or = |value: f64, is_usable: bool, other: f64| if value.is_finite() && is_usable { value } else { other };
        Self {
            model: self.model,
            monthly_discount: or(self.monthly_discount, self.monthly_discount > -0.99, 0.0),
            margin: or(self.margin, self.margin >= 0.0, 1.0),
            month_days: or(self.month_days, self.month_days > 0.0 && self.month_days < 1e4, 365.0 / 12.0),
        }
    }
}

/// Log score of a model over the cut-offs that could be judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogScore {
    pub model: Model,
    pub log_score: f64,
}

/// Everything that is published.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    pub chosen: Model,
    pub chosen_by: ChosenBy,
    /// Models fitted to all customers, Gamma-Gamma last.
    pub models: Vec<ModelRow>,
    pub scores: Scores,
    /// Of the chosen model, cut-off by cut-off.
    pub backtests: Vec<BacktestRow>,
    /// Sums of ln P(purchases held out), of the models that were compared.
    pub log_scores: Vec<LogScore>,
}

/// The models that have to be fitted.
fn wanted(choice: Choice) -> Vec<Model> {
    let is_wanted = |model: &Model| match choice {
        Choice::Auto => true,
        Choice::Fixed(fixed) => *model == fixed || matches!(model, Model::BgNbd | Model::MbgNbd),
    };
    Model::ALL.into_iter().filter(is_wanted).collect()
}

/// The fits of the models, in their order.
fn fit_all(models: &[Model], table: &Table, warm: &[Warm]) -> Vec<Fitted> {
    let nbd = fit_nbd(table, warm);
    models.iter().map(|model| fit(*model, table, warm, &nbd)).collect()
}

/// The parameters of fits as starts of others. What is fitted by its posterior today is so at the cut-offs too.
fn as_starts(fits: &[Fitted], value: Option<&ValueFit>) -> Vec<Warm> {
    let rows = fits.iter().map(|fitted| &fitted.row).chain(value.map(|v| &v.row));
    let start = |row: &ModelRow| Warm {
        model: row.model.to_owned(),
        parameters: row.parameters.iter().flatten().copied().collect(),
        is_posterior: row.status == FitStatus::Map,
    };
    rows.filter(|row| matches!(row.status, FitStatus::Ok | FitStatus::Map)).map(start).collect()
}

fn fit_value(histories: &Histories, table: &Table, order: &Order, warm: &[Warm]) -> ValueFit {
    let values: Vec<f64> = histories.values().collect();
    let repeats = table.groups.iter().flat_map(|group| {
        let customers = usize::try_from(group.customers).unwrap_or(usize::MAX);
        std::iter::repeat_n(group.repeats, customers)
    });
    let value = |customer: &u32| values.get(*customer as usize).copied().unwrap_or(0.0);
    order_value::fit(repeats.zip(order.customers.iter().map(value)), warm)
}

/// An earlier day with the models fitted to what was known then.
struct Judged<'a> {
    number: usize,
    past: Past<'a>,
    fits: Vec<Fitted>,
}

impl Judged<'_> {
    fn can_choose(&self) -> bool {
        let is_sound = |status| !matches!(status, FitStatus::InsufficientData | FitStatus::NoRepeats);
        self.fits.iter().all(|fitted| is_sound(fitted.row.status))
    }
}

/// The first of the greatest.
fn best(candidates: impl Iterator<Item = (Model, f64)>) -> Option<Model> {
    let greatest = candidates.reduce(|best, next| if next.1 > best.1 { next } else { best });
    greatest.map(|(model, _)| model)
}

/// The log scores of the models over the cut-offs that all of them were soundly fitted at; none of one that was not judged.
fn log_scores(fits: &[Fitted], judged: &[Judged<'_>]) -> Vec<LogScore> {
    let sound: Vec<&Judged<'_>> = judged.iter().filter(|j| j.can_choose()).collect();
    if sound.is_empty() {
        return Vec::new();
    }
    let score = |model: Model| {
        let of = |j: &&Judged<'_>| j.fits.iter().find(|f| f.model == model).map(|f| j.past.log_score(&f.predictor));
        sound.iter().filter_map(of).reduce(|sum, score| sum + score)
    };
    let candidates = fits.iter().filter(|fitted| is_itself(fitted)).map(|fitted| fitted.model);
    candidates.filter_map(|model| Some(LogScore { model, log_score: score(model)? })).collect()
}

/// Whether the fit is of the model it is named after.
fn is_itself(fitted: &Fitted) -> bool {
    match fitted.model {
        Model::BgNbd | Model::MbgNbd => {
            matches!(fitted.predictor, Predictor::Dropout(..)) && fitted.row.status != FitStatus::FallbackMbg
        }
        Model::ParetoNbd => matches!(fitted.predictor, Predictor::Pareto(_)),
        Model::Nbd => true,
    }
}

fn choose(choice: Choice, fits: &[Fitted], scores: &[LogScore]) -> (Model, ChosenBy) {
    match choice {
        Choice::Fixed(model) => (model, ChosenBy::Request),
        Choice::Auto => {
            if let Some(model) = best(scores.iter().map(|s| (s.model, s.log_score))) {
                return (model, ChosenBy::LogScore);
            }
            let likelihoods = fits.iter().filter(|f| is_itself(f)).filter_map(|f| Some((f.model, f.row.log_likelihood?)));
            (best(likelihoods).unwrap_or(Model::Nbd), ChosenBy::LogLikelihood)
        }
    }
}

/// Fits the models, chooses one, and gives every customer their figures.
///
/// With [`Choice::Auto`] all four models are fitted and compared; otherwise the one asked for, and BG/NBD and MBG/NBD, which
/// the columns of P(alive) need. The cut-offs' fits begin where the fit to all customers ended.
pub fn predict(histories: &Histories, cutoffs: &[Cutoff], warm: &[Warm], options: &Options) -> Prediction {
    let options = options.made_usable();
    let (table, order) = from_days(histories);
    let models = wanted(options.model);
    let fits = fit_all(&models, &table, warm);
    let value_fit = fit_value(histories, &table, &order, warm);
    let starts = as_starts(&fits, Some(&value_fit));
    let needed: Vec<Model> = match options.model {
        Choice::Auto => models,
        Choice::Fixed(model) => vec![model],
    };
    let judge = |(number, cutoff)| {
        let past = Past::new(cutoff)?;
        let fits = fit_all(&needed, &past.table, &starts);
        Some(Judged { number, past, fits })
    };
    let judged: Vec<Judged<'_>> = cutoffs.iter().enumerate().filter_map(judge).collect();
    let log_scores = log_scores(&fits, &judged);
    let (chosen, chosen_by) = choose(options.model, &fits, &log_scores);
    let mut backtests = Vec::new();
    for Judged { number, past, fits } in judged {
        let value = fit_value(&past.cutoff.histories, &past.table, &past.order, &starts).value;
        let of_chosen = fits.iter().find(|fitted| fitted.model == chosen);
        backtests.extend(of_chosen.into_iter().flat_map(|fitted| past.rows(number, chosen, &fitted.predictor, value)));
    }
    let scores = score(histories, &table, &order, (&fits, chosen), value_fit.value, &options);
    let models = fits.into_iter().map(|fitted| fitted.row).chain([value_fit.row]).collect();
    Prediction { chosen, chosen_by, models, scores, backtests, log_scores }
}

/// The figures of each customer by the chosen model.
fn score(
    histories: &Histories,
    table: &Table,
    order: &Order,
    (fits, chosen): (&[Fitted], Model),
    value: Option<OrderValue>,
    options: &Options,
) -> Scores {
    let of = |model: Model| fits.iter().find(|fitted| fitted.model == model);
    let Some(fitted) = of(chosen) else { return Scores::default() };
    let basis = Basis { histories, table, order, predictor: &fitted.predictor, value, options };
    let alive = fitted.predictor.alive(table);
    let mut scores = figures(&basis, &alive);
    if fitted.row.status != FitStatus::NoRepeats {
        let bgnbd = if chosen == Model::BgNbd { None } else { of(Model::BgNbd).map(|f| f.predictor.alive(table)) };
        // BG/NBD takes every one-time buyer for active, so MBG/NBD speaks for it.
        let published = if chosen == Model::BgNbd { of(Model::MbgNbd).map(|f| f.predictor.alive(table)) } else { None };
        scores.probability_alive = Some(of_customers(&basis, published.as_ref().unwrap_or(&alive)));
        scores.probability_alive_bgnbd = Some(of_customers(&basis, bgnbd.as_ref().unwrap_or(&alive)));
    }
    let status = match fitted.row.status {
        FitStatus::NoRepeats => CustomerStatus::NoRepeats,
        _ if value.is_none() => CustomerStatus::NoOrderValue,
        FitStatus::InsufficientData => CustomerStatus::InsufficientData,
        _ => CustomerStatus::Ok,
    };
    let mended = |is_mended| if is_mended { CustomerStatus::Contradictory } else { status };
    scores.status = histories.contradictions().map(mended).collect();
    scores
}
