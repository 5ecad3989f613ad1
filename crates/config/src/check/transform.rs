//! The options of the transforms.

use super::amounts::ten_thousandths;
use super::{Check, marts, segments};
use crate::pipeline::{Frequency, PriceSensitive, Returns, Rfm, Scoring, Thresholds, Transform, Universe};
use crate::raw;

pub(super) fn transform(check: &mut Check<'_>, raw: &raw::Transform) -> Option<Transform> {
    let returns = match raw.returns {
        None | Some(raw::Returns::Net) => Returns::Net,
        Some(raw::Returns::Exclude) => Returns::Exclude,
    };
    let scoring = scoring(check, &raw.rfm);
    let grid = segments::grid(check, raw.rfm.segments.as_ref());
    let frequency = match raw.rfm.frequency {
        None | Some(raw::Frequency::Orders) => Frequency::Orders,
        Some(raw::Frequency::PurchaseDays) => Frequency::PurchaseDays,
    };
    let universe = match raw.rfm.universe {
        None | Some(raw::Universe::All) => Universe::All,
        Some(raw::Universe::Region) => Universe::Region,
    };
    let price_sensitive = match raw.rfm.price_sensitive {
        None | Some(raw::PriceSensitive::Auto) => PriceSensitive::Auto,
        Some(raw::PriceSensitive::Discount) => PriceSensitive::Discount,
        Some(raw::PriceSensitive::Grid) => PriceSensitive::Grid,
        Some(raw::PriceSensitive::Off) => PriceSensitive::Off,
    };
    let value = marts::value(check, &raw.value);
    let winback = marts::winback(check, &raw.winback);
    let clv = marts::clv(check, &raw.clv);
    let basket = marts::basket(check, &raw.basket);
    let skip = marts::skip(check, &raw.skip);
    marts::at_risk_has_its_model(check, value.as_ref(), &skip);
    Some(Transform {
        returns,
        rfm: Rfm { scoring: scoring?, frequency, universe, price_sensitive, grid: grid? },
        value: value?,
        winback: winback?,
        risk: marts::risk(&raw.risk),
        clv: clv?,
        basket: basket?,
        skip,
    })
}

fn scoring(check: &mut Check<'_>, raw: &raw::Rfm) -> Option<Scoring> {
    let path = ["transform", "rfm", "thresholds"];
    let mode = raw.scoring.unwrap_or(raw::Scoring::NtileTied);
    match (mode, &raw.thresholds) {
        (raw::Scoring::Fixed, Some(written)) => thresholds(check, written).map(Scoring::Fixed),
        (raw::Scoring::Fixed, None) => {
            let help = "add thresholds: {recency: [30, 90, 180, 365], frequency: [2, 3, 5, 10], monetary: [50, 100, 500, 1000]}";
            check.say(&["transform", "rfm", "scoring"], "`scoring: fixed` needs `thresholds`", help);
            None
        }
        (_, Some(_)) => {
            check.say_key(
                &path,
                "`thresholds` go with `scoring: fixed` only",
                "write `scoring: fixed`, or leave `thresholds` out",
            );
            None
        }
        (raw::Scoring::NtileTied, None) => Some(Scoring::NtileTied),
        (raw::Scoring::Ntile, None) => Some(Scoring::Ntile),
        (raw::Scoring::Quantile, None) => Some(Scoring::Quantile),
        (raw::Scoring::PandasFirst, None) => Some(Scoring::PandasFirst),
    }
}

fn thresholds(check: &mut Check<'_>, raw: &raw::Thresholds) -> Option<Thresholds> {
    let recency = four(check, "recency", &raw.recency);
    let frequency = four(check, "frequency", &raw.frequency);
    let mut amounts = Vec::new();
    for (place, written) in raw.monetary.iter().enumerate() {
        if let Some(amount) = ten_thousandths(written) {
            amounts.push(amount);
        } else {
            let path = ["transform", "rfm", "thresholds", "monetary", &place.to_string()];
            check.say(
                &path,
                "this bound of `monetary` is not an amount",
                "write amounts such as 100 or 99.95, with at most four places",
            );
        }
    }
    let monetary = if amounts.len() == raw.monetary.len() { four(check, "monetary", &amounts) } else { None };
    Some(Thresholds { recency: recency?, frequency: frequency?, monetary: monetary? })
}

fn four<T: Copy + PartialOrd>(check: &mut Check<'_>, name: &str, bounds: &[T]) -> Option<[T; 4]> {
    let rising = bounds.windows(2).all(|w| matches!(w, [a, b] if a < b));
    let path = ["transform", "rfm", "thresholds", name];
    let Ok(four) = <[T; 4]>::try_from(bounds) else {
        let message = format!("`{name}` has {} bound{}, it needs four", bounds.len(), if bounds.len() == 1 { "" } else { "s" });
        check.say(&path, message, "four bounds make five scores");
        return None;
    };
    if !rising {
        let help = if name == "recency" {
            "each must be above the one before it; fewer days score higher by themselves"
        } else {
            "each must be above the one before it"
        };
        check.say(&path, format!("the bounds of `{name}` do not rise"), help);
        return None;
    }
    Some(four)
}
