"""The steps that SQL can do, in DuckDB: it has neither a rule miner nor a lifetime model."""

import duckdb


def run(shop, out, step):
    database = duckdb.connect()
    with step("star"):
        star(database, shop, out)
    with step("rfm"):
        write(database, out, "rfm", RFM)
    with step("cohort"):
        write(database, out, "cohort", COHORT)
    with step("kpi"):
        write(database, out, "month_region", MONTH_REGION)
        write(database, out, "top_products", TOP_PRODUCTS)
    return facts(database, out)


def write(database, out, name, query):
    database.execute(f"COPY ({query}) TO '{out}/{name}.parquet' (FORMAT parquet, COMPRESSION snappy)")


def star(database, shop, out):
    for name in ("customers", "products", "order_lines", "payments", "tickets"):
        database.execute(f"CREATE VIEW {name} AS SELECT * FROM '{shop}/{name}.parquet'")
    database.execute(f"CREATE TABLE sales AS {SALES}")
    write(database, out, "fact_sales", "FROM sales ORDER BY order_id, line_no")
    write(database, out, "dim_customer", "FROM customers")
    write(database, out, "dim_product", "FROM products")
    write(database, out, "dim_date", CALENDAR)
    write(database, out, "fact_payments", PAYMENTS)
    write(database, out, "fact_tickets", TICKETS)


def facts(database, out):
    """Read back from what was written."""
    def row(query):
        cursor = database.execute(query)
        names = [column[0] for column in cursor.description]
        return {name: plain(value) for name, value in zip(names, cursor.fetchone())}

    return {
        **row(f"SELECT count(*) lines, sum(net_amount) net_amount, sum(cost_amount) cost_amount FROM '{out}/fact_sales.parquet'"),
        **row(f"SELECT count(*) customers, sum(frequency) orders, sum(recency) recency_days FROM '{out}/rfm.parquet'"),
        **row(f"SELECT count(*) cohort_cells, sum(customers) cohort_customers FROM '{out}/cohort.parquet'"),
        **row(f"SELECT count(*) month_regions, sum(net_amount) month_net_amount FROM '{out}/month_region.parquet'"),
        **row(f"SELECT count(*) products FROM '{out}/top_products.parquet'"),
        **row(f"""SELECT sum(net_amount) top_100_net_amount
                  FROM (FROM '{out}/top_products.parquet' ORDER BY net_amount DESC LIMIT 100)"""),
    }


def plain(value):
    """Counts are whole, sums of them too; the rest are amounts."""
    return int(value) if value == int(value) and not hasattr(value, "quantize") else round(float(value), 2)


DATE_KEY = "CAST(strftime({}, '%Y%m%d') AS INTEGER)"

# A purchase is an order with pieces left over and no negative amount.
SALES = f"""
WITH orders AS (
    SELECT order_id, sum(quantity) > 0 AND sum(quantity * unit_price - discount) >= 0 AS is_purchase
    FROM order_lines
    GROUP BY order_id
)
SELECT
    l.*,
    l.quantity * l.unit_price AS gross_amount,
    l.quantity * l.unit_price - l.discount AS net_amount,
    l.quantity * p.unit_cost AS cost_amount,
    {DATE_KEY.format("l.order_ts")} AS date_key,
    l.quantity < 0 AS is_return,
    o.is_purchase
FROM order_lines AS l
INNER JOIN orders AS o ON l.order_id = o.order_id
LEFT JOIN products AS p ON l.product_id = p.product_id
"""

CALENDAR = f"""
SELECT
    day,
    {DATE_KEY.format("day")} AS date_key,
    year(day) AS year,
    quarter(day) AS quarter,
    month(day) AS month,
    isodow(day) AS weekday
FROM (
    SELECT unnest(generate_series(min(order_ts)::DATE, max(order_ts)::DATE, INTERVAL 1 DAY)) AS day
    FROM sales
)
"""

PAYMENTS = f"""
SELECT *, {DATE_KEY.format("due_date")} AS due_date_key, {DATE_KEY.format("paid_date")} AS paid_date_key
FROM payments
"""

TICKETS = f"""
SELECT *, {DATE_KEY.format("opened_at")} AS opened_date_key, {DATE_KEY.format("resolved_at")} AS resolved_date_key
FROM tickets
"""

RFM = """
WITH measured AS (
    SELECT
        customer_id,
        date_diff('day', max(order_ts) FILTER (is_purchase)::DATE, (SELECT max(order_ts)::DATE FROM sales)) AS recency,
        count(DISTINCT order_id) FILTER (is_purchase) AS frequency,
        sum(net_amount) AS monetary
    FROM sales
    GROUP BY customer_id
    HAVING bool_or(is_purchase)
)
SELECT
    *,
    ntile(5) OVER (ORDER BY recency DESC, customer_id) AS r,
    ntile(5) OVER (ORDER BY frequency, customer_id) AS f,
    ntile(5) OVER (ORDER BY monetary, customer_id) AS m
FROM measured
"""

COHORT = """
WITH active AS (
    SELECT DISTINCT customer_id, date_trunc('month', order_ts) AS month FROM sales WHERE is_purchase
),
followed AS (
    SELECT customer_id, month, min(month) OVER (PARTITION BY customer_id) AS cohort FROM active
),
cells AS (
    SELECT cohort, date_diff('month', cohort, month) AS period, count(*) AS customers
    FROM followed
    GROUP BY ALL
)
SELECT *, customers / first(customers) OVER (PARTITION BY cohort ORDER BY period) AS retention
FROM cells
"""

MONTH_REGION = """
SELECT
    date_trunc('month', order_ts) AS month,
    region,
    sum(net_amount) AS net_amount,
    count(DISTINCT order_id) AS orders,
    count(DISTINCT customer_id) AS customers
FROM sales
GROUP BY ALL
"""

TOP_PRODUCTS = """
SELECT product_id, sum(net_amount) AS net_amount, sum(quantity) AS units, count(DISTINCT order_id) AS orders
FROM sales
GROUP BY ALL
ORDER BY net_amount DESC
"""
