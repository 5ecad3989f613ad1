-- Everybody of a segment, whether they ever bought or not.
WITH members AS (
    SELECT
        COALESCE(c.business_segment, 'Unknown') AS business_segment,
        m.monetary,
        -- Half a year without an order, or never an order at all.
        CASE WHEN c.last_order_on >= CAST($as_of AS DATE) - INTERVAL '6 months' THEN 0 ELSE 1 END AS at_risk
    FROM dim_customer AS c
    LEFT JOIN rfm_measures AS m ON c.customer_key = m.customer_key
    WHERE c.customer_key <> 0
),
summed AS (
    SELECT
        business_segment,
        COUNT(*) AS customers,
        COUNT(monetary) AS buyers,
        SUM(COALESCE(monetary, CAST(0 AS DECIMAL(18, 4)))) AS net_amount,
        SUM(at_risk) AS at_risk
    FROM members
    GROUP BY business_segment
)
SELECT
    business_segment,
    CAST(customers AS INT) AS customers,
    net_amount,
    CASE WHEN buyers > 0 THEN CAST(net_amount / buyers AS DECIMAL(18, 4)) END AS average_customer_value,
    CAST(net_amount / customers AS DECIMAL(18, 4)) AS average_per_customer,
    CAST(at_risk AS INT) AS at_risk_customers
FROM summed
ORDER BY business_segment
