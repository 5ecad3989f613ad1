//! The options of the marts.

use std::collections::BTreeSet;

use schema::{Group, TABLES, Visibility};

use super::{Check, sizes};
use crate::pipeline::{AtRisk, Basket, BasketItems, Clv, ClvModel, Risk, Tiers, Value, Winback};
use crate::problem::suggestion;
use crate::raw::{self, Share};

pub(super) fn value(check: &mut Check<'_>, raw: &raw::Value) -> Option<Value> {
    let tiers = match raw.tiers {
        None | Some(raw::Tiers::Ntile) => Tiers::Ntile,
        Some(raw::Tiers::Tied) => Tiers::Tied,
    };
    let risk_days = days(check, &["transform", "value", "at_risk_days"], raw.at_risk_days.as_deref(), 180);
    let at_risk = match raw.at_risk {
        None | Some(raw::AtRisk::RecencyQuartile) => Some(AtRisk::RecencyQuartile),
        Some(raw::AtRisk::Days) => risk_days.map(AtRisk::Days),
        Some(raw::AtRisk::PAlive) => Some(AtRisk::PAlive),
    };
    if raw.at_risk_days.is_some() && raw.at_risk != Some(raw::AtRisk::Days) {
        let path = ["transform", "value", "at_risk_days"];
        check.say_key(
            &path,
            "`at_risk_days` goes with `at_risk: days` only",
            "write `at_risk: days`, or leave `at_risk_days` out",
        );
    }
    let gap = days(check, &["transform", "value", "comeback_gap"], raw.comeback_gap.as_deref(), 180);
    Some(Value { tiers, at_risk: at_risk?, comeback_gap_days: gap? })
}

pub(super) fn winback(check: &mut Check<'_>, raw: &raw::Winback) -> Option<Winback> {
    let path = ["transform", "winback", "control"];
    let control = share(check, &path, raw.control.as_ref(), 0.1);
    let slots = control.and_then(|share| {
        let slots = (0..=10_i64).find(|slots| (f64::from(u32::try_from(*slots).unwrap_or(0)) / 20.0 - share).abs() < 1e-9);
        if slots.is_none() {
            check.say(
                &path,
                "`control` is no multiple of 5 % up to 50 %",
                "write 0%, 5%, 10% … 50%: arms are dealt out in twenties",
            );
        }
        slots
    });
    let contact = days(check, &["transform", "winback", "contact_within"], raw.contact_within.as_deref(), 14);
    let campaign = raw.campaign.clone().unwrap_or_else(|| "winback".to_owned());
    Some(Winback { campaign, control_slots: slots?, contact_days: contact? })
}

pub(super) fn risk(raw: &raw::Risk) -> Risk {
    Risk { late_payments: raw.late_payments.unwrap_or(2), tickets_90d: raw.tickets_90d.unwrap_or(3) }
}

pub(super) fn clv(check: &mut Check<'_>, raw: &raw::Clv) -> Option<Clv> {
    let model = match raw.model {
        None | Some(raw::ClvModel::Auto) => ClvModel::Auto,
        Some(raw::ClvModel::BgNbd) => ClvModel::BgNbd,
        Some(raw::ClvModel::MbgNbd) => ClvModel::MbgNbd,
        Some(raw::ClvModel::ParetoNbd) => ClvModel::ParetoNbd,
        Some(raw::ClvModel::Nbd) => ClvModel::Nbd,
    };
    let discount = share(check, &["transform", "clv", "monthly_discount"], raw.monthly_discount.as_ref(), 0.01);
    let path = ["transform", "clv", "margin"];
    let margin = share(check, &path, raw.margin.as_ref(), 1.0).filter(|margin| {
        if *margin == 0.0 {
            check.say(
                &path,
                "a margin of nothing makes every customer worthless",
                "write the share of revenue that is earned, such as 35%",
            );
        }
        *margin > 0.0
    });
    Some(Clv { model, monthly_discount: discount?, margin: margin? })
}

pub(super) fn basket(check: &mut Check<'_>, raw: &raw::Basket) -> Option<Basket> {
    let items = match raw.items {
        None | Some(raw::BasketItems::Product) => BasketItems::Product,
        Some(raw::BasketItems::Subcategory) => BasketItems::Subcategory,
        Some(raw::BasketItems::Category) => BasketItems::Category,
    };
    let support = share(check, &["transform", "basket", "min_support"], raw.min_support.as_ref(), 0.01);
    let confidence = share(check, &["transform", "basket", "min_confidence"], raw.min_confidence.as_ref(), 0.2);
    // The shape has bounded them already.
    let count = |written: Option<i64>, default: usize| written.and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
    Some(Basket {
        items,
        min_support_ppb: parts(support?),
        min_confidence_ppb: parts(confidence?),
        max_items: count(raw.max_items, 4),
        max_basket_items: count(raw.max_basket_items, 100),
        max_itemsets: count(raw.max_itemsets, 1_000_000),
        recommendations: count(raw.recommendations, 10),
        offers: count(raw.offers, 5),
    })
}

/// A share as parts per thousand million.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is between 0 and 1")]
fn parts(share: f64) -> u64 {
    (share * 1e9).round() as u64
}

/// The marts that may be left out.
pub(super) fn skip(check: &mut Check<'_>, names: &[String]) -> BTreeSet<&'static str> {
    let marts: Vec<&'static str> = TABLES
        .iter()
        .filter(|t| t.visibility != Visibility::Working && !matches!(t.group, Group::Star | Group::Meta))
        .map(|t| t.name)
        .collect();
    let mut skipped = BTreeSet::new();
    for (place, name) in names.iter().enumerate() {
        if let Some(mart) = marts.iter().find(|m| *m == name) {
            skipped.insert(*mart);
        } else {
            let place = place.to_string();
            let path = ["transform", "skip", place.as_str()];
            check.say(&path, format!("there is no mart `{name}` to leave out"), suggestion(name, marts.iter().copied(), "marts"));
        }
    }
    skipped
}

pub(super) fn at_risk_has_its_model(check: &mut Check<'_>, value: Option<&Value>, skip: &BTreeSet<&'static str>) {
    if value.is_some_and(|v| v.at_risk == AtRisk::PAlive) && skip.contains("customer_clv") {
        let help = "take `customer_clv` out of `skip`, or judge by `recency_quartile` or `days`";
        check.say(&["transform", "value", "at_risk"], "`at_risk: p_alive` needs `customer_clv`, which is left out", help);
    }
}

fn share(check: &mut Check<'_>, path: &[&str], written: Option<&Share>, default: f64) -> Option<f64> {
    let name = path.last().copied().unwrap_or_default();
    let read = match written {
        None => Ok(default),
        // All of it may be written as 1 too: a margin of 1 % of revenue is nothing anybody means.
        Some(Share::Fraction(one)) if (*one - 1.0).abs() < f64::EPSILON => Ok(1.0),
        Some(written) => sizes::share(name, written),
    };
    read.map_err(|(message, help)| check.say(path, message, help)).ok()
}

fn days(check: &mut Check<'_>, path: &[&str], written: Option<&str>, default: i32) -> Option<i32> {
    let name = path.last().copied().unwrap_or_default();
    let Some(written) = written else { return Some(default) };
    sizes::days(name, written).map_err(|(message, help)| check.say(path, message, help)).ok()
}
