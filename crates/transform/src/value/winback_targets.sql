-- Customers at risk, by how much effort they deserve.
WITH targets AS (
    SELECT
        v.customer_key,
        v.region_key,
        CASE WHEN v.value_tier = 'VIP' THEN 'P0' WHEN v.comebacks >= 1 THEN 'P1' ELSE 'P2' END AS priority,
        m.days_since_last_order,
        v.lifetime_value,
        v.value_tier,
        v.comebacks,
        c.probability_buys_30d,
        c.expected_order_value
    FROM customer_value AS v
    INNER JOIN rfm_measures AS m ON v.customer_key = m.customer_key
    LEFT JOIN customer_clv AS c ON v.customer_key = c.customer_key
    WHERE v.is_at_risk
),
-- Who is in the trial already stays in their arm as long as the campaign lasts.
enrolled AS (
    SELECT customer_key, arm
    FROM previous_winback_targets
    WHERE campaign = CAST($campaign AS VARCHAR)
),
known AS (
    SELECT
        t.customer_key,
        t.region_key,
        t.priority,
        t.days_since_last_order,
        t.lifetime_value,
        t.value_tier,
        t.comebacks,
        t.probability_buys_30d,
        t.expected_order_value,
        e.arm
    FROM targets AS t
    LEFT JOIN enrolled AS e ON t.customer_key = e.customer_key
),
-- Newcomers of equal priority and tier are shuffled by the hash of campaign and customer, then dealt out in twenties:
-- a, b, a, b, and at the end of each twenty the control group, so that a handful of customers is never left alone.
shuffled AS (
    SELECT
        customer_key,
        (CAST(ROW_NUMBER() OVER (
            PARTITION BY priority, value_tier
            ORDER BY surrogate_key(concat(CAST($campaign AS VARCHAR), ' ', CAST(customer_key AS VARCHAR))), customer_key
        ) AS BIGINT) - 1) % 20 AS slot
    FROM known
    WHERE arm IS NULL
)
SELECT
    k.customer_key,
    k.region_key,
    k.priority,
    k.days_since_last_order,
    k.lifetime_value,
    k.value_tier,
    k.comebacks,
    k.probability_buys_30d,
    CAST(k.probability_buys_30d * CAST(k.expected_order_value AS DOUBLE) AS DECIMAL(18, 4)) AS expected_recovered_value,
    CAST($campaign AS VARCHAR) AS campaign,
    CASE
        WHEN k.arm IS NOT NULL THEN k.arm
        WHEN s.slot >= 20 - CAST($control_slots AS BIGINT) THEN 'control'
        WHEN s.slot % 2 = 0 THEN 'a'
        ELSE 'b'
    END AS arm,
    CAST(CAST($as_of AS DATE) + CAST($contact_days AS INT) AS DATE) AS contact_by
FROM known AS k
LEFT JOIN shuffled AS s ON k.customer_key = s.customer_key
ORDER BY k.customer_key
