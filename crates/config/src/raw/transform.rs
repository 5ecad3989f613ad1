//! The options of the transforms, as they are written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Share;

/// What to make of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transform {
    /// Whether returns count against what was bought (`net`, default) or are left out (`exclude`).
    pub returns: Option<Returns>,
    /// Recency, frequency, monetary value.
    #[serde(default)]
    pub rfm: Rfm,
    /// What customers are worth, and who of them is slipping away.
    #[serde(default)]
    pub value: Value,
    /// The campaign to win back customers at risk.
    #[serde(default)]
    pub winback: Winback,
    /// When late payments and tickets make a customer a risk.
    #[serde(default)]
    pub risk: Risk,
    /// Expected purchases and lifetime value.
    #[serde(default)]
    pub clv: Clv,
    /// What is bought together.
    #[serde(default)]
    pub basket: Basket,
    /// Marts to leave out: they are published empty. Any table of the groups Trade, Customers, Retention and Prediction.
    #[serde(default)]
    pub skip: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Returns {
    Net,
    Exclude,
}

/// Recency, frequency, monetary value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rfm {
    /// How measures become scores. Default: `ntile_tied`, quintiles in which equal values share a score.
    pub scoring: Option<Scoring>,
    /// Bounds for `scoring: fixed`.
    pub thresholds: Option<Thresholds>,
    /// What frequency counts. Default: orders.
    pub frequency: Option<Frequency>,
    /// Whom customers are compared with: `all` (default), or those of their `region`.
    pub universe: Option<Universe>,
    /// What makes a customer price sensitive. Default: auto, `discount` where there are discounts and `grid` where not.
    pub price_sensitive: Option<PriceSensitive>,
    /// `standard` (default), `workshop12`, or a grid of your own: `{R5: [five names for FM 1 to 5], … R1: […]}`.
    pub segments: Option<Segments>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Scoring {
    NtileTied,
    Ntile,
    Quantile,
    PandasFirst,
    Fixed,
}

/// Four ascending bounds a measure; a value at or above a bound has passed it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Thresholds {
    /// Days since the last order.
    pub recency: Vec<i64>,
    /// Orders or purchase days.
    pub frequency: Vec<i64>,
    /// Amounts.
    pub monetary: Vec<Amount>,
}

/// An amount; as text where its digits matter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Amount {
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Frequency {
    Orders,
    PurchaseDays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Universe {
    All,
    Region,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum PriceSensitive {
    Auto,
    Discount,
    Grid,
    Off,
}

/// A preset's name, or rows R1 to R5 of five segment names each.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Segments {
    Preset(Preset),
    Own(BTreeMap<String, Vec<String>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Preset {
    Standard,
    Workshop12,
}

/// What customers are worth, and who of them is slipping away.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Value {
    /// How customers of equal worth are split on the edge of a tier: `ntile` (default) by their number, `tied` not at all.
    pub tiers: Option<Tiers>,
    /// Who is at risk: the worst quarter by days since the last order (`recency_quartile`, default), those of `at_risk_days`
    /// and more (`days`), or those whom the lifetime model takes for gone though a year of them is worth much (`p_alive`).
    pub at_risk: Option<AtRisk>,
    /// Days without an order for `at_risk: days`, such as `180d` (default).
    pub at_risk_days: Option<String>,
    /// A purchase after a gap this long is a comeback. Default: 180d.
    pub comeback_gap: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Tiers {
    Ntile,
    Tied,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum AtRisk {
    RecencyQuartile,
    Days,
    PAlive,
}

/// The campaign to win back customers at risk.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Winback {
    /// Name of the campaign: who is in which arm depends on it, and a new name deals the arms anew. Default: winback.
    #[schemars(length(min = 1, max = 64))]
    pub campaign: Option<String>,
    /// Share of the customers who are not contacted, in steps of 5 %, at most 50%. Default: 10%.
    pub control: Option<Share>,
    /// Days from `as_of` to make contact in. Default: 14d.
    pub contact_within: Option<String>,
}

/// When late payments and tickets make a customer a risk.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Risk {
    /// Late payments, due in the last 365 days, from which on a customer is a high risk. Default: 2.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub late_payments: Option<i64>,
    /// Tickets of the last 90 days from which on a customer is a high risk. Default: 3.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub tickets_90d: Option<i64>,
}

/// Expected purchases and lifetime value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clv {
    /// `auto` (default) takes the model that would have foretold the last half year best.
    pub model: Option<ClvModel>,
    /// Discount a month, such as 1% (default).
    pub monthly_discount: Option<Share>,
    /// Share of revenue that is earned. Default: 100%.
    pub margin: Option<Share>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum ClvModel {
    Auto,
    BgNbd,
    MbgNbd,
    ParetoNbd,
    Nbd,
}

/// What is bought together.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Basket {
    /// What an item of a rule is: `product` (default), `subcategory` or `category`.
    pub items: Option<BasketItems>,
    /// Share of the orders an itemset must be in, such as 1% (default).
    pub min_support: Option<Share>,
    /// Share of the antecedent's orders that must hold the consequent. Default: 20%.
    pub min_confidence: Option<Share>,
    /// Items of the longest itemset. Default: 4.
    #[schemars(range(min = 2, max = 16))]
    pub max_items: Option<i64>,
    /// Orders of more items than this are not mined, but counted. Default: 100.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub max_basket_items: Option<i64>,
    /// With more itemsets than this the support is raised, and what was used is published. Default: 1000000.
    #[schemars(range(min = 1000, max = 5_000_000))]
    pub max_itemsets: Option<i64>,
    /// Products recommended beside each product. Default: 10.
    #[schemars(range(min = 1, max = 100))]
    pub recommendations: Option<i64>,
    /// Products offered to each customer. Default: 5.
    #[schemars(range(min = 1, max = 100))]
    pub offers: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum BasketItems {
    Product,
    Subcategory,
    Category,
}
