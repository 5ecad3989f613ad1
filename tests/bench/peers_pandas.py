"""The steps in pandas, with mlxtend for rules and lifetimes for lifetime value: the stack such notebooks are written in."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from lifetimes import BetaGeoFitter, GammaGammaFitter
from lifetimes.utils import ConvergenceError
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy.sparse import csr_matrix

# Those of pipeline.yaml.
MIN_SUPPORT = 0.001
MIN_CONFIDENCE = 0.2
MAX_ITEMS = 3
HORIZON_DAYS = 90
# Likelihoods of real shops are flat; where a fit does not converge, its users penalize it harder until it does.
PENALIZERS = (0.0, 0.001, 0.01, 0.1)


def run(shop, out, step):
    warnings.filterwarnings("ignore")
    with step("star"):
        sales = star(shop, out)
        purchases = sales[sales.is_purchase]
    with step("rfm"):
        scores = rfm(sales, purchases, out)
    with step("cohort"):
        cohorts = cohort(purchases, out)
    with step("kpi"):
        months, products = kpi(sales, out)
    with step("basket"):
        itemsets, rules = basket(purchases, out)
    with step("clv"):
        histories, fits = clv(purchases, out)
    write_histories(histories, out)
    return {
        "lines": len(sales),
        "net_amount": round(float(sales.net_amount.sum()), 2),
        "cost_amount": round(float(sales.cost_amount.sum()), 2),
        "customers": len(scores),
        "orders": int(scores.frequency.sum()),
        "recency_days": int(scores.recency.sum()),
        "cohort_cells": len(cohorts),
        "cohort_customers": int(cohorts.customers.sum()),
        "month_regions": len(months),
        "month_net_amount": round(float(months.net_amount.sum()), 2),
        "products": len(products),
        "top_100_net_amount": round(float(products.net_amount.head(100).sum()), 2),
        "itemsets": len(itemsets),
        "rules": len(rules),
        # The product says what leads to one product, mlxtend also what leads to two.
        "rules_to_one": int((rules.consequents.map(len) == 1).sum()),
        **fits,
    }


def read(shop, name):
    """Amounts as floats: pandas has no decimal column, and a Python object a cell would take minutes."""
    table = pq.read_table(f"{shop}/{name}.parquet")
    kinds = [pa.float64() if pa.types.is_decimal(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(list(zip(table.schema.names, kinds)))).to_pandas()


def write(frame, out, name):
    frame.to_parquet(f"{out}/{name}.parquet", compression="snappy", index=False)


def date_key(days):
    return (days.dt.year * 10_000 + days.dt.month * 100 + days.dt.day).astype("Int32")


def star(shop, out):
    products = read(shop, "products")
    sales = read(shop, "order_lines")
    sales["gross_amount"] = (sales.quantity * sales.unit_price).round(2)
    sales["net_amount"] = (sales.gross_amount - sales.discount).round(2)
    sales = sales.merge(products[["product_id", "unit_cost"]], on="product_id", how="left")
    sales["cost_amount"] = (sales.quantity * sales.unit_cost).round(2)
    sales["date_key"] = date_key(sales.order_ts)
    sales["is_return"] = sales.quantity < 0
    sales["is_purchase"] = is_purchase(sales)
    sales = sales.sort_values(["order_id", "line_no"], ignore_index=True)
    write(sales, out, "fact_sales")
    write(read(shop, "customers"), out, "dim_customer")
    write(products, out, "dim_product")
    write(calendar(sales), out, "dim_date")
    small_facts(shop, out)
    return sales


def is_purchase(sales):
    """Of each line, whether its order was one: pieces left over, and no negative amount."""
    orders = sales.groupby("order_id")[["quantity", "net_amount"]].sum()
    return sales.order_id.map((orders.quantity > 0) & (orders.net_amount.round(2) >= 0))


def calendar(sales):
    span = pd.date_range(sales.order_ts.min().normalize(), sales.order_ts.max().normalize())
    days = pd.DataFrame({"date": span})
    days["date_key"] = date_key(days.date)
    days["year"], days["quarter"], days["month"] = days.date.dt.year, days.date.dt.quarter, days.date.dt.month
    days["weekday"] = days.date.dt.dayofweek + 1
    return days


def small_facts(shop, out):
    payments = read(shop, "payments")
    for day in ("due_date", "paid_date"):
        payments[f"{day}_key"] = date_key(pd.to_datetime(payments[day]))
    write(payments, out, "fact_payments")
    tickets = read(shop, "tickets")
    tickets["opened_date_key"], tickets["resolved_date_key"] = date_key(tickets.opened_at), date_key(tickets.resolved_at)
    write(tickets, out, "fact_tickets")


def fifths(values):
    return pd.qcut(values.rank(method="first"), 5, labels=False) + 1


def rfm(sales, purchases, out):
    """Days since the last purchase, purchases, and revenue, which returns count against."""
    last_day = sales.order_ts.max().normalize()
    scores = purchases.groupby("customer_id").agg(last_order=("order_ts", "max"), frequency=("order_id", "nunique")).reset_index()
    scores["monetary"] = scores.customer_id.map(sales.groupby("customer_id").net_amount.sum())
    scores["recency"] = (last_day - scores.last_order.dt.normalize()).dt.days
    scores["r"], scores["f"], scores["m"] = fifths(-scores.recency), fifths(scores.frequency), fifths(scores.monetary)
    write(scores, out, "rfm")
    return scores


def cohort(purchases, out):
    month = purchases.order_ts.dt.year * 12 + purchases.order_ts.dt.month
    active = pd.DataFrame({"customer_id": purchases.customer_id, "month": month}).drop_duplicates()
    active["cohort"] = active.groupby("customer_id").month.transform("min")
    active["period"] = active.month - active.cohort
    cells = active.groupby(["cohort", "period"]).size().rename("customers").reset_index()
    cells["retention"] = cells.customers / cells.groupby("cohort").customers.transform("first")
    write(cells, out, "cohort")
    return cells


def kpi(sales, out):
    month = sales.order_ts.dt.to_period("M").dt.to_timestamp().rename("month")
    months = sales.groupby([month, "region"]).agg(
        net_amount=("net_amount", "sum"), orders=("order_id", "nunique"), customers=("customer_id", "nunique")
    ).reset_index()
    products = sales.groupby("product_id").agg(
        net_amount=("net_amount", "sum"), units=("quantity", "sum"), orders=("order_id", "nunique")
    ).reset_index().sort_values("net_amount", ascending=False)
    write(months, out, "month_region")
    write(products, out, "top_products")
    return months, products


def basket(purchases, out):
    pieces = purchases.groupby(["order_id", "product_id"], as_index=False).quantity.sum()
    pairs = pieces[pieces.quantity > 0]
    row, _ = pd.factorize(pairs.order_id)
    column, products = pd.factorize(pairs.product_id)
    bought = csr_matrix((np.ones(len(pairs), bool), (row, column)))
    baskets = pd.DataFrame.sparse.from_spmatrix(bought, columns=[str(product) for product in products])
    itemsets = fpgrowth(baskets, min_support=MIN_SUPPORT, use_colnames=True, max_len=MAX_ITEMS)
    rules = itemsets.iloc[:0]
    if len(itemsets):
        rules = association_rules(itemsets, metric="confidence", min_threshold=MIN_CONFIDENCE)
    rules.astype({name: str for name in rules.columns if rules[name].dtype == object}).to_csv(f"{out}/rules.csv", index=False)
    return itemsets, rules


def clv(purchases, out):
    histories = purchase_histories(purchases)
    rates, rate_penalizer = fit(BetaGeoFitter, histories.x, histories.t_x, histories["T"])
    repeaters = histories[(histories.x > 0) & (histories.m > 0)]
    values, value_penalizer = fit(GammaGammaFitter, repeaters.x, repeaters.m)
    past = (histories.x, histories.t_x, histories["T"])
    histories["expected_purchases"] = rates.conditional_expected_number_of_purchases_up_to_time(HORIZON_DAYS, *past)
    histories["probability_alive"] = rates.conditional_probability_alive(*past)
    histories["expected_order_value"] = values.conditional_expected_average_profit(histories.x, histories.m)
    histories["clv"] = histories.expected_purchases * histories.expected_order_value
    write(histories, out, "clv")
    return histories, {
        "bgnbd": rates.params_.to_dict(),
        "bgnbd_penalizer": rate_penalizer,
        "gamma_gamma": values.params_.to_dict(),
        "gamma_gamma_penalizer": value_penalizer,
        "expected_purchases": round(float(histories.expected_purchases.sum()), 1),
    }


def purchase_histories(purchases):
    """Repeat purchase days, days from the first to the last and to the end, mean amount of a repeat day."""
    bought = purchases.assign(day=purchases.order_ts.dt.normalize())
    days = bought.groupby(["customer_id", "day"], as_index=False).net_amount.sum()
    first = days.groupby("customer_id").day.transform("min")
    repeated = days[days.day > first].groupby("customer_id").net_amount.mean()
    spans = days.groupby("customer_id").day.agg(["count", "min", "max"]).reset_index()
    return pd.DataFrame({
        "customer_id": spans.customer_id,
        "x": spans["count"] - 1,
        "t_x": (spans["max"] - spans["min"]).dt.days,
        "T": (bought.day.max() - spans["min"]).dt.days,
        # Gamma-Gamma knows no loss: a mean below zero counts as none.
        "m": spans.customer_id.map(repeated).fillna(0.0).clip(lower=0.0),
    })


def fit(fitter, *columns):
    """The least penalized fit that converges."""
    for penalizer in PENALIZERS:
        try:
            return fitter(penalizer_coef=penalizer).fit(*columns), penalizer
        except ConvergenceError:
            continue
    raise RuntimeError(f"{fitter.__name__} converges at none of the penalizers {PENALIZERS}")


def write_histories(histories, out):
    """What clv_peer.py reads."""
    histories[["x", "t_x", "T", "m"]].to_csv(f"{out}/histories.csv", index=False)
