-- Both splits of the customers by worth, one under the other.
WITH tiers AS (
    SELECT 'value_tier' AS tier_kind, value_tier AS tier, lifetime_value FROM customer_value
    UNION ALL
    SELECT 'ltv_segment' AS tier_kind, ltv_segment AS tier, lifetime_value FROM customer_value
),
summed AS (
    SELECT tier_kind, tier, COUNT(*) AS customers, SUM(lifetime_value) AS net_amount
    FROM tiers
    GROUP BY tier_kind, tier
),
shared AS (
    SELECT tier_kind, tier, customers, net_amount, SUM(net_amount) OVER (PARTITION BY tier_kind) AS amount
    FROM summed
)
SELECT
    tier_kind,
    tier,
    CAST(customers AS INT) AS customers,
    net_amount,
    CASE WHEN amount <> 0 THEN CAST(net_amount AS DOUBLE) / CAST(amount AS DOUBLE) END AS revenue_share,
    CAST(net_amount / customers AS DECIMAL(18, 4)) AS average_value
FROM shared
ORDER BY tier_kind, tier
