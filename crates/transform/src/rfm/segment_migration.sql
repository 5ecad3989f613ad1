-- Who was where in the snapshot before this day, and is where now; New came since, Gone has no purchase any more. Whoever still
-- has one is not gone, though nobody be scored: segments may be left out.
WITH gone AS (
    SELECT p.segment
    FROM previous_customer_rfm AS p
    LEFT ANTI JOIN rfm_measures AS m ON p.customer_key = m.customer_key
),
moves AS (
    SELECT COALESCE(p.segment, 'New') AS from_segment, c.segment AS to_segment, c.monetary
    FROM customer_rfm AS c
    LEFT JOIN previous_customer_rfm AS p ON c.customer_key = p.customer_key
    UNION ALL
    SELECT COALESCE(segment, 'New') AS from_segment, 'Gone' AS to_segment, CAST(0 AS DECIMAL(18, 4)) AS monetary
    FROM gone
),
counted AS (
    SELECT from_segment, to_segment, COUNT(*) AS customers, SUM(monetary) AS net_amount
    FROM moves
    GROUP BY from_segment, to_segment
),
shared AS (
    SELECT from_segment, to_segment, customers, net_amount, SUM(customers) OVER (PARTITION BY from_segment) AS from_customers
    FROM counted
)
SELECT
    from_segment,
    to_segment,
    CAST(customers AS INT) AS customers,
    net_amount,
    CAST(customers AS DOUBLE) / CAST(from_customers AS DOUBLE) AS share_of_from
FROM shared
ORDER BY from_segment, to_segment
