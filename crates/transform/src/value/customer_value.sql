-- Customers in the order of their worth; ties by customer_id, so that a tie on the edge of a tier always falls the same way.
WITH ranked AS (
    SELECT
        customer_key,
        region_key,
        monetary,
        orders,
        days_since_last_order,
        CAST(RANK() OVER (ORDER BY monetary DESC) AS BIGINT) AS revenue_rank,
        CAST(ROW_NUMBER() OVER (ORDER BY monetary DESC, customer_place) AS BIGINT) - 1 AS place,
        CAST(ROW_NUMBER() OVER (ORDER BY days_since_last_order, customer_place) AS BIGINT) - 1 AS recency_place,
        COUNT(*) OVER (PARTITION BY monetary) AS equal,
        COUNT(*) OVER () AS customers
    FROM rfm_measures
),
-- Where NTILE puts a place; with `tiers: tied` a group of equal customers goes where its middle falls.
placed AS (
    SELECT
        customer_key,
        region_key,
        monetary,
        orders,
        days_since_last_order,
        revenue_rank,
        place,
        recency_place,
        customers,
        CASE WHEN CAST($tied_tiers AS BOOLEAN) THEN (2 * (revenue_rank - 1) + equal - 1) / 2 ELSE place END AS tier_place,
        SUM(monetary) OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running_amount,
        SUM(monetary) OVER () AS amount
    FROM ranked
),
tiered AS (
    SELECT
        customer_key,
        region_key,
        monetary,
        orders,
        days_since_last_order,
        revenue_rank,
        running_amount,
        amount,
        CASE
            WHEN tier_place < (customers % 4) * (customers / 4 + 1) THEN 1 + tier_place / (customers / 4 + 1)
            ELSE 1 + customers % 4
                + (tier_place - (customers % 4) * (customers / 4 + 1)) / (CASE WHEN customers < 4 THEN 1 ELSE customers / 4 END)
        END AS tier,
        CASE
            WHEN recency_place < (customers % 4) * (customers / 4 + 1) THEN 1 + recency_place / (customers / 4 + 1)
            ELSE 1 + customers % 4
                + (recency_place - (customers % 4) * (customers / 4 + 1)) / (CASE WHEN customers < 4 THEN 1 ELSE customers / 4 END)
        END AS recency_quartile
    FROM placed
),
-- A hundred times the 25th and 75th percentile (type 7): the two values around each, weighed by the hundredths between.
cuts AS (
    SELECT column1 AS cut FROM (VALUES (25), (75)) AS two
),
bounds AS (
    SELECT
        c.cut,
        SUM(
            CASE
                WHEN p.customers - 1 - p.place = (p.customers - 1) * c.cut / 100 THEN p.monetary * (100 - (p.customers - 1) * c.cut % 100)
                ELSE p.monetary * ((p.customers - 1) * c.cut % 100)
            END
        ) AS bound
    FROM placed AS p
    CROSS JOIN cuts AS c
    WHERE p.customers - 1 - p.place = (p.customers - 1) * c.cut / 100
        OR (p.customers - 1 - p.place = (p.customers - 1) * c.cut / 100 + 1 AND (p.customers - 1) * c.cut % 100 > 0)
    GROUP BY c.cut
),
percentiles AS (
    SELECT
        MAX(CASE WHEN cut = 25 THEN bound END) AS lower_bound,
        MAX(CASE WHEN cut = 75 THEN bound END) AS upper_bound
    FROM bounds
),
visits AS (
    SELECT
        customer_key,
        CAST(ordered_on AS INT) - CAST(LAG(ordered_on) OVER (PARTITION BY customer_key ORDER BY ordered_on) AS INT) AS gap
    FROM customer_days
    WHERE orders > 0
),
gaps AS (
    SELECT
        customer_key,
        COUNT(CASE WHEN gap >= CAST($comeback_gap AS INT) THEN 1 END) AS comebacks,
        MAX(gap) AS longest_gap_days
    FROM visits
    GROUP BY customer_key
),
-- What a year is expected to bring from each customer; the better half of them is worth winning back.
prospects AS (
    SELECT
        customer_key,
        probability_alive,
        CAST(ROW_NUMBER() OVER (
            ORDER BY expected_purchases_365d * CAST(expected_order_value AS DOUBLE) DESC NULLS LAST, customer_key
        ) AS BIGINT) * 2 <= COUNT(*) OVER () + 1 AS is_better_half
    FROM customer_clv
)
SELECT
    p.customer_key,
    p.region_key,
    p.monetary AS lifetime_value,
    p.orders,
    CAST(p.monetary / p.orders AS DECIMAL(18, 4)) AS average_order_value,
    CASE p.tier WHEN 1 THEN 'VIP' WHEN 2 THEN 'Core' WHEN 3 THEN 'Occasional' ELSE 'Low' END AS value_tier,
    CASE
        WHEN p.monetary * 100 < b.lower_bound THEN 'Low'
        WHEN p.monetary * 100 <= b.upper_bound THEN 'Mid'
        ELSE 'High'
    END AS ltv_segment,
    CAST(p.revenue_rank AS INT) AS revenue_rank,
    CASE WHEN p.amount > 0 THEN CAST(p.running_amount AS DOUBLE) / CAST(p.amount AS DOUBLE) END AS cumulative_revenue_share,
    CAST(g.comebacks AS INT) AS comebacks,
    g.longest_gap_days,
    CASE CAST($at_risk_mode AS VARCHAR)
        WHEN 'recency_quartile' THEN p.recency_quartile = 4
        WHEN 'days' THEN p.days_since_last_order >= CAST($at_risk_days AS INT)
        ELSE COALESCE(c.probability_alive < 0.5 AND c.is_better_half, FALSE)
    END AS is_at_risk,
    CAST($at_risk_mode AS VARCHAR) AS at_risk_mode
FROM tiered AS p
INNER JOIN gaps AS g ON p.customer_key = g.customer_key
CROSS JOIN percentiles AS b
LEFT JOIN prospects AS c ON p.customer_key = c.customer_key
ORDER BY p.customer_key
