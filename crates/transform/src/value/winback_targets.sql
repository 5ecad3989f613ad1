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
-- The hash of campaign and customer is the same in every run, so nobody changes arm while the campaign keeps its name.
dealt AS (
    SELECT
        customer_key,
        surrogate_key(concat(CAST($campaign AS VARCHAR), ' ', CAST(customer_key AS VARCHAR))) AS number
    FROM targets
)
SELECT
    t.customer_key,
    t.region_key,
    t.priority,
    t.days_since_last_order,
    t.lifetime_value,
    t.value_tier,
    t.comebacks,
    t.probability_buys_30d,
    CAST(t.probability_buys_30d * CAST(t.expected_order_value AS DOUBLE) AS DECIMAL(18, 4)) AS expected_recovered_value,
    CAST($campaign AS VARCHAR) AS campaign,
    -- Of twenty places the last are the control group's; another digit of the number halves the rest.
    CASE
        WHEN d.number % 20 >= 20 - CAST($control_slots AS BIGINT) THEN 'control'
        WHEN d.number / 20 % 2 = 0 THEN 'a'
        ELSE 'b'
    END AS arm,
    CAST(CAST($as_of AS DATE) + CAST($contact_days AS INT) AS DATE) AS contact_by
FROM targets AS t
INNER JOIN dealt AS d ON t.customer_key = d.customer_key
ORDER BY t.customer_key
