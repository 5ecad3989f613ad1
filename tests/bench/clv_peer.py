"""lifetimes alone: fits BG/NBD and Gamma-Gamma to purchase histories and scores every customer.

usage: clv_peer.py FILE      a CSV with the columns x, t_x, T (days) and m (mean amount of a repeat purchase)

Prints one JSON line: parameters, log-likelihoods and seconds. `cargo run --release -p clv --example clv_bench -- FILE BG/NBD`
does the same work in the product.
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter

from peers import Stopwatch, peak_mib

HORIZON_DAYS = 90
MONTHS = 12
MONTHLY_DISCOUNT = 0.01


def log_likelihood(fitter, *columns):
    """Of all customers, in the columns' own unit: lifetimes keeps a mean, in a time it has scaled."""
    columns = [np.asarray(column, float) for column in columns]
    weights = np.ones(len(columns[0]))
    mean = fitter._negative_log_likelihood(np.log(fitter.params_.to_numpy()), *columns, weights, 0.0)
    return -float(mean) * len(weights)


def fitted(fitter, *columns):
    return {
        "parameters": {name: float(value) for name, value in fitter.params_.items()},
        "log_likelihood": log_likelihood(fitter, *columns),
        "customers": len(columns[0]),
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    warnings.filterwarnings("ignore")
    watch = Stopwatch()
    with watch.step("read"):
        histories = pd.read_csv(sys.argv[1])
    past = (histories.x, histories.t_x, histories["T"])
    repeaters = histories[(histories.x > 0) & (histories.m > 0)]
    with watch.step("bg_fit"):
        purchases = BetaGeoFitter().fit(*past)
    with watch.step("gg_fit"):
        values = GammaGammaFitter().fit(repeaters.x, repeaters.m)
    with watch.step("predict"):
        expected = purchases.conditional_expected_number_of_purchases_up_to_time(HORIZON_DAYS, *past)
    with watch.step("p_alive"):
        alive = purchases.conditional_probability_alive(*past)
    with watch.step("clv_12m"):
        worth = values.customer_lifetime_value(
            purchases, *past, histories.m, time=MONTHS, discount_rate=MONTHLY_DISCOUNT, freq="D"
        )
    print(json.dumps({
        "bgnbd": fitted(purchases, *past),
        "gamma_gamma": fitted(values, repeaters.x, repeaters.m),
        "sums": {"expected_purchases_90d": float(np.sum(expected)), "alive": float(np.sum(alive)), "clv_12m": float(worth.sum())},
        "seconds": {name: round(seconds, 3) for name, seconds in watch.seconds.items()},
        "total": round(sum(watch.seconds.values()), 3),
        "peak_mib": round(peak_mib()),
    }))


if __name__ == "__main__":
    main()
