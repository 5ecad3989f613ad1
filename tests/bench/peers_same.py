"""The product's own star, RFM, cohort and KPI tables in DuckDB: the product's statements, from the source tree, over the same
shop, with all columns. Tables that the product writes in order are written in that order.

The peer of peers_duckdb.py computes about a fifth of these columns. Here both do the same work: sources are cast to the
contract's types, looked through for empty keys and for lines that come twice, and laid down once before the star is built of
them, as the product does.
"""

import re
from pathlib import Path

import duckdb

STATEMENTS = Path(__file__).parents[2] / "crates" / "transform" / "src"


def run(shop, out, step):
    database = duckdb.connect()
    # Not the product's hash, but one of 63 bits, and 0 for nobody as there.
    database.execute("CREATE MACRO surrogate_key(id) AS CASE WHEN id IS NULL THEN 0 ELSE CAST(hash(id) >> 1 AS BIGINT) END")
    database.execute("CREATE MACRO date_key(d) AS year(d) * 10000 + month(d) * 100 + day(d)")
    database.execute("CREATE TABLE previous_customer_rfm (customer_key BIGINT, segment VARCHAR)")
    # What the cells are called changes nothing.
    database.execute("""
        CREATE TABLE segment_grid AS
        SELECT CAST(r AS INT) AS r_score, CAST(fm AS INT) AS fm_sum, 'Segment ' || (r + fm) AS segment
        FROM range(1, 6) AS a(r), range(2, 11) AS b(fm)""")
    with step("star"):
        as_of = stage(database, shop, out)
        words = {"as_of": f"'{as_of}'", "exclude_returns": "false", "orphan_customers": "false", "orphan_products": "false",
                 "by_purchase_days": "false", "by_region": "false", "price_rule": "'auto'"}
        tables = {step: [name for name, _ in rest] for step, rest in TABLES.items()}
        build(database, out, words, TABLES["star"])
    for name in ("rfm", "cohort", "kpi"):
        with step(name):
            build(database, out, words, TABLES[name])
    (several,) = database.execute("SELECT count(*) - count(DISTINCT order_number) FROM orders").fetchone()
    if several:
        raise SystemExit(f"{several} orders lie in several regions or days: this script takes an order for one part")
    rows = {name: count(database, name) for names in tables.values() for name in names if not name.startswith("_")}
    lines, net_amount = database.execute("SELECT count(*), sum(net_amount) FROM fact_sales").fetchone()
    return {"rows": rows, "lines": lines, "net_amount": round(float(net_amount), 2)}


def count(database, table):
    return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def stage(database, shop, out):
    """Types of the contract, empty keys and repeated lines set aside; returns the day of the latest sale."""
    for name, query in SOURCES.items():
        write(database, out, name, query.format(shop=shop))
    empty, twice = database.execute("""
        SELECT (SELECT count(*) FROM sales WHERE order_id IS NULL OR product_id IS NULL OR ordered_at IS NULL OR quantity IS NULL
                OR unit_price IS NULL),
               (SELECT count(*) FROM (SELECT 1 FROM sales GROUP BY order_id, line_number HAVING count(*) > 1))""").fetchone()
    if empty or twice:
        raise SystemExit(f"{empty} lines with an empty key, {twice} that come twice: this script only finds them")
    database.execute(f"CREATE VIEW placed_lines AS {(STATEMENTS / 'star/sales_lines_given.sql').read_text()}")
    return database.execute("SELECT max(ordered_at)::DATE FROM sales").fetchone()[0]


def build(database, out, words, tables):
    for name, query in tables:
        query = in_duckdb((STATEMENTS / query).read_text() if query.endswith(".sql") else query, words)
        if name.startswith("_"):
            database.execute(f"CREATE VIEW {name[1:]} AS {query}")
        else:
            write(database, out, name, query)


def write(database, out, name, query):
    path = f"{out}/{name}.parquet"
    database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 262144)")
    database.execute(f"CREATE VIEW {name} AS FROM '{path}'")


def in_duckdb(statement, words):
    for pattern, word in DIALECT:
        statement = re.sub(pattern, word, statement)
    for name, value in words.items():
        statement = statement.replace(f"${name}", value)
    return statement


# Division of whole numbers, days as numbers, names of functions, columns of VALUES.
DIALECT = [
    (r"CAST\((\w+\.)?(resolved_at|opened_at) AS BIGINT\)", r"epoch_us(\1\2)"),
    (r"CAST\((COALESCE\(paid_on, CAST\(\$as_of AS DATE\)\)) AS INT\) - CAST\(due_on AS INT\)", r"\1 - due_on"),
    (r"CAST\((CAST\(\$as_of AS DATE\)) AS INT\) - CAST\(p\.last_purchase_on AS INT\)", r"\1 - p.last_purchase_on"),
    (r"(\w+\.customer_id) ~ ('[^']*')", r"regexp_matches(\1, \2)"),
    (r"character_length\(", "length("),
    (r"LEFT ANTI JOIN", "ANTI JOIN"),
    (r"(VALUES \(0, 'Unknown'\)\) AS unknown_member)", r"\1(column1, column2)"),
    (r"(VALUES \(0, NULL, 'Unknown'\)\) AS unknown_member)", r"\1(column1, column2, column3)"),
    (r"(date_key\(birth_on\)\)) / 10000", r"\1 // 10000"),
    (r"middle / \(quotient \+ 1\)", "middle // (quotient + 1)"),
    (r"\) / quotient", ") // quotient"),
    (r"customers / 5 AS quotient", "customers // 5 AS quotient"),
    (r"- 1\) / 2 AS middle", "- 1) // 2 AS middle"),
    (r"- 1\) / \(2 \* \(customers - 1\)\)", "- 1) // (2 * (customers - 1))"),
    (r"\+ 1\) / 2 AS fm_score", "+ 1) // 2 AS fm_score"),
    (r"cohort_month / 12", "cohort_month // 12"),
]

SOURCES = {
    "products": """
        SELECT CAST(product_id AS VARCHAR) product_id, product_name, category, subcategory, brand,
            CAST(list_price AS DECIMAL(18, 4)) list_price, CAST(unit_cost AS DECIMAL(18, 4)) unit_cost
        FROM '{shop}/products.parquet'""",
    "customers": """
        SELECT CAST(customer_id AS VARCHAR) customer_id, customer_name, email, segment business_segment, region, country, city,
            birth_date birth_on, CAST(NULL AS INT) age, signup_date signup_on
        FROM '{shop}/customers.parquet'""",
    "payments": """
        SELECT CAST(payment_id AS VARCHAR) payment_id, CAST(customer_id AS VARCHAR) customer_id,
            CAST(order_id AS VARCHAR) order_id, due_date due_on, paid_date paid_on, CAST(amount AS DECIMAL(18, 4)) amount, status
        FROM '{shop}/payments.parquet'""",
    "tickets": """
        SELECT CAST(ticket_id AS VARCHAR) ticket_id, CAST(customer_id AS VARCHAR) customer_id, opened_at, resolved_at, category,
            priority, satisfaction
        FROM '{shop}/tickets.parquet'""",
    "sales": """SELECT CAST(order_id AS VARCHAR) order_id, line_no line_number, CAST(customer_id AS VARCHAR) customer_id,
        CAST(l.product_id AS VARCHAR) product_id, order_ts ordered_at, CAST(quantity AS DECIMAL(18, 4)) quantity,
        CAST(unit_price AS DECIMAL(18, 4)) unit_price, CAST(quantity * unit_price AS DECIMAL(18, 4)) gross_amount,
        CAST(discount AS DECIMAL(18, 4)) discount_amount, CAST(quantity * unit_price - discount AS DECIMAL(18, 4)) net_amount,
        CAST(quantity * p.unit_cost AS DECIMAL(18, 4)) cost_amount, l.region, channel,
        length(CAST(order_id AS VARCHAR)) order_length
        FROM '{shop}/order_lines.parquet' AS l LEFT JOIN '{shop}/products.parquet' AS p ON l.product_id = p.product_id""",
}

# The product goes over the lines once for both and numbers orders as it goes. What counts an order once in a region is told of orders
# of one part alone, which the generated shop's are.
ORDERS = """
WITH parts AS (
    SELECT
        TRY_CAST(order_id AS INT) AS order_number, customer_key, region_key, CAST(ordered_at AS DATE) AS ordered_on,
        min(ordered_at) AS ordered_at, count(*) AS lines, sum(quantity) AS quantity, sum(gross_amount) AS gross_amount,
        sum(discount_amount) AS discount_amount, sum(net_amount) AS net_amount
    FROM fact_sales
    GROUP BY ALL
),
judged AS (
    SELECT
        *,
        quantity > 0 AND sum(quantity) OVER bought > 0 AND sum(net_amount) OVER bought >= 0 AS is_purchase
    FROM parts
    WINDOW bought AS (PARTITION BY order_number, customer_key)
)
SELECT
    *,
    is_purchase AND row_number() OVER (bought ORDER BY is_purchase DESC, region_key, ordered_on) = 1 AS is_order,
    is_purchase AND row_number() OVER (on_day ORDER BY is_purchase DESC, region_key) = 1 AS is_order_of_day,
    is_purchase AND row_number() OVER (bought ORDER BY is_purchase DESC, region_key, ordered_on) = 1
        AND max(is_purchase AND discount_amount > 0) OVER bought AS is_discounted,
    is_purchase AS is_order_of_region,
    is_purchase AS is_order_of_region_day,
    is_purchase AS is_order_of_region_week,
    is_purchase AS is_order_of_region_month
FROM judged
WINDOW bought AS (PARTITION BY order_number, customer_key), on_day AS (PARTITION BY order_number, customer_key, ordered_on)
ORDER BY order_number, customer_key
"""
ITEMS = """
WITH bought AS (
    SELECT
        TRY_CAST(order_id AS INT) AS order_number, customer_key, product_key, sum(quantity) AS quantity,
        sum(net_amount) AS net_amount
    FROM fact_sales
    GROUP BY ALL
),
judged AS (
    SELECT *, sum(quantity) OVER whole > 0 AND sum(net_amount) OVER whole >= 0 AS is_purchase
    FROM bought
    WINDOW whole AS (PARTITION BY order_number)
)
SELECT order_number, customer_key, product_key, is_purchase FROM judged WHERE quantity > 0
ORDER BY order_number, customer_key, product_key
"""
DATES = """
SELECT
    CAST(strftime(day, '%Y%m%d') AS INT) AS date_key, day AS date, year(day) AS year, quarter(day) AS quarter,
    month(day) AS month, monthname(day) AS month_name, year(day) * 100 + month(day) AS year_month,
    CAST(date_trunc('month', day) AS DATE) AS month_start,
    CAST(date_trunc('week', day) AS DATE) AS week_start, isoyear(day) AS iso_year, weekofyear(day) AS iso_week,
    dayofmonth(day) AS day_of_month, isodow(day) AS day_of_week, dayname(day) AS day_name, isodow(day) >= 6 AS is_weekend,
    last_day(day) <= CAST($as_of AS DATE) AS is_complete_month
FROM (
    SELECT CAST(unnest(generate_series(date_trunc('year', min(first)), date_trunc('year', max(last)) + INTERVAL '1 year'
        - INTERVAL '1 day', INTERVAL '1 day')) AS DATE) AS day
    FROM (
        SELECT min(ordered_on) AS first, max(ordered_on) AS last FROM orders
        UNION ALL
        SELECT min(due_on), max(greatest(due_on, paid_on)) FROM payments
        UNION ALL
        SELECT CAST(min(opened_at) AS DATE), CAST(max(greatest(opened_at, resolved_at)) AS DATE) FROM tickets
    )
)
"""

# A name that begins with _ is a view.
TABLES = {
    "star": [
        ("fact_sales", "star/fact_sales.sql"),
        ("orders", ORDERS),
        ("order_items", ITEMS),
        ("dim_region", "star/dim_region.sql"),
        ("dim_customer", "star/dim_customer.sql"),
        ("dim_product", "star/dim_product.sql"),
        ("dim_date", DATES),
        ("fact_payments", "star/fact_payments.sql"),
        ("fact_tickets", "star/fact_tickets.sql"),
        ("customer_days", "star/customer_days.sql"),
    ],
    "rfm": [
        ("rfm_measures", "rfm/rfm_measures.sql"),
        ("_score_values", "rfm/score_values.sql"),
        ("_score_ranks", "rfm/score_ranks.sql"),
        ("_scores", "rfm/score_ntile_tied.sql"),
        ("rfm_scores", "rfm/rfm_scores.sql"),
        ("customer_rfm", "rfm/customer_rfm.sql"),
    ],
    "cohort": [
        ("customer_months", "retention/customer_months.sql"),
        ("customer_cohorts", "retention/customer_cohorts.sql"),
        ("cohort_retention", "retention/cohort_retention.sql"),
    ],
    "kpi": [
        ("sales_trend", "trade/sales_trend.sql"),
        ("product_performance", "trade/product_performance.sql"),
    ],
}
