//! The names of what is fitted and of how a fit ended.

/// A model of how often customers buy and when they stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// A customer may stop after each purchase but the first.
    BgNbd,
    /// A customer may stop after each purchase, the first too.
    MbgNbd,
    /// A customer may stop at any time.
    ParetoNbd,
    /// No customer stops.
    Nbd,
}

impl Model {
    pub const ALL: [Self; 4] = [Self::BgNbd, Self::MbgNbd, Self::ParetoNbd, Self::Nbd];

    pub fn name(self) -> &'static str {
        match self {
            Self::BgNbd => "BG/NBD",
            Self::MbgNbd => "MBG/NBD",
            Self::ParetoNbd => "Pareto/NBD",
            Self::Nbd => "NBD",
        }
    }
}

/// Which model the figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The one that gave the purchases held out the highest probability.
    Auto,
    Fixed(Model),
}

/// Why the chosen model was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// The caller asked for it.
    Request,
    /// It has the best log score over the cut-offs.
    LogScore,
    /// No cut-off could be judged, so the best log-likelihood decided.
    LogLikelihood,
}

impl ChosenBy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::LogScore => "log_score",
            Self::LogLikelihood => "log_likelihood",
        }
    }
}

/// Where the search for the parameters began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartKind {
    /// At the parameters published last.
    Warm,
    /// At fixed guesses.
    Cold,
}

impl StartKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Cold => "cold",
        }
    }
}

/// How a fit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitStatus {
    /// At the maximum of the likelihood.
    Ok,
    /// The likelihood has no inner maximum; a wide prior on the logarithms holds the parameters.
    Map,
    /// Nobody is seen to stop, so the model is the NBD.
    BoundaryNbd,
    /// The parameters are those of MBG/NBD.
    FallbackMbg,
    /// The parameters are those of NBD.
    FallbackNbd,
    /// One rate for all customers.
    PooledRate,
    /// Fewer than 100 customers or 20 repeat purchases: the prior on the logarithms always takes part.
    InsufficientData,
    /// No customer bought twice: the rate comes from its prior and the customers' days alone.
    NoRepeats,
    /// No repeat purchase has a value above 0.
    NoOrderValue,
    /// Order values vary too wildly for Gamma-Gamma: the customer's mean is drawn to everyone's by credibility.
    Credibility,
    /// Every order has the same value.
    ConstantValue,
}

impl FitStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Map => "map",
            Self::BoundaryNbd => "boundary_nbd",
            Self::FallbackMbg => "fallback_mbg",
            Self::FallbackNbd => "fallback_nbd",
            Self::PooledRate => "pooled_rate",
            Self::InsufficientData => "insufficient_data",
            Self::NoRepeats => "no_repeats",
            Self::NoOrderValue => "no_order_value",
            Self::Credibility => "credibility",
            Self::ConstantValue => "constant_value",
        }
    }
}

/// The fit of one model. Times are days.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRow {
    pub model: &'static str,
    /// BG/NBD and MBG/NBD: r, α, a, b. Pareto/NBD: r, α, s, β. NBD: r, α. Gamma-Gamma: p, q, v.
    /// Credibility: the mean and the orders at which a customer's own mean weighs one half.
    pub parameters: [Option<f64>; 4],
    pub standard_errors: [Option<f64>; 4],
    pub log_likelihood: Option<f64>,
    pub customers: usize,
    pub distinct_rows: usize,
    /// Largest part of the gradient of the mean log-likelihood by the logarithms of the parameters.
    pub gradient_norm: Option<f64>,
    /// Newton steps on all customers.
    pub iterations: usize,
    pub start_kind: StartKind,
    pub status: FitStatus,
}

/// The parameters of the last published fit of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Warm {
    /// As in [`ModelRow::model`].
    pub model: String,
    pub parameters: Vec<f64>,
    /// Whether to look for the maximum posterior at once: the likelihood of these customers is known to have no maximum.
    pub is_posterior: bool,
}

/// A place to start at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WarmStart<const N: usize> {
    pub parameters: [f64; N],
    pub is_posterior: bool,
}

/// The parameters to start at, if the last fit of this name has as many as are needed and all are usable.
pub(crate) fn warm_start<const N: usize>(warm: &[Warm], model: &str) -> Option<WarmStart<N>> {
    let found = warm.iter().find(|w| w.model == model)?;
    let parameters: [f64; N] = found.parameters.as_slice().try_into().ok()?;
    let is_usable = parameters.iter().all(|p| p.is_finite() && *p > 1e-12 && *p < 1e12);
    is_usable.then_some(WarmStart { parameters, is_posterior: found.is_posterior })
}

/// Up to four figures in their places.
pub(crate) fn four(values: &[f64]) -> [Option<f64>; 4] {
    let mut places = [None; 4];
    places.iter_mut().zip(values).for_each(|(place, value)| *place = Some(*value));
    places
}
