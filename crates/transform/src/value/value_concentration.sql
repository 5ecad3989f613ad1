-- Everybody, each business segment and each region; whoever cost more than they brought counts as nothing brought.
WITH members AS (
    SELECT
        'all' AS group_name,
        customer_key,
        CASE WHEN monetary > 0 THEN monetary ELSE CAST(0 AS DECIMAL(18, 4)) END AS amount
    FROM rfm_measures
    UNION ALL
    SELECT
        concat('business_segment = ', c.business_segment) AS group_name,
        m.customer_key,
        CASE WHEN m.monetary > 0 THEN m.monetary ELSE CAST(0 AS DECIMAL(18, 4)) END AS amount
    FROM rfm_measures AS m
    INNER JOIN dim_customer AS c ON m.customer_key = c.customer_key
    WHERE c.business_segment IS NOT NULL
    UNION ALL
    SELECT
        concat('region = ', r.region_name) AS group_name,
        m.customer_key,
        CASE WHEN m.monetary > 0 THEN m.monetary ELSE CAST(0 AS DECIMAL(18, 4)) END AS amount
    FROM rfm_measures AS m
    INNER JOIN dim_region AS r ON m.region_key = r.region_key
    WHERE m.region_key <> 0
),
-- Place 1 is the best; counted from the other end the places weigh the amounts of the Gini coefficient.
placed AS (
    SELECT
        group_name,
        amount,
        CAST(ROW_NUMBER() OVER (PARTITION BY group_name ORDER BY amount DESC, customer_key) AS BIGINT) AS place,
        COUNT(*) OVER (PARTITION BY group_name) AS customers,
        SUM(amount) OVER (PARTITION BY group_name) AS total
    FROM members
),
running AS (
    SELECT
        group_name,
        amount,
        place,
        customers,
        total,
        SUM(amount) OVER (PARTITION BY group_name ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - amount AS better_amount
    FROM placed
),
summed AS (
    SELECT
        group_name,
        MAX(customers) AS customers,
        MAX(total) AS total,
        SUM(amount * (customers + 1 - place)) AS weighed,
        SUM(CASE WHEN place <= (customers + 99) / 100 THEN amount ELSE CAST(0 AS DECIMAL(18, 4)) END) AS top_1,
        SUM(CASE WHEN place <= (customers * 10 + 99) / 100 THEN amount ELSE CAST(0 AS DECIMAL(18, 4)) END) AS top_10,
        SUM(CASE WHEN place <= (customers * 20 + 99) / 100 THEN amount ELSE CAST(0 AS DECIMAL(18, 4)) END) AS top_20,
        -- Customers whose betters do not yet bring 80 % by themselves.
        COUNT(CASE WHEN better_amount * 10 < total * 8 THEN 1 END) AS for_80_percent,
        SUM(CAST(amount AS DECIMAL(18, 4)) * amount) AS squares
    FROM running
    GROUP BY group_name
)
SELECT
    group_name AS "group",
    CASE WHEN total > 0
        THEN CAST(2 * weighed - (customers + 1) * total AS DOUBLE) / (CAST(customers AS DOUBLE) * CAST(total AS DOUBLE))
    END AS gini,
    CASE WHEN total > 0 THEN CAST(top_1 AS DOUBLE) / CAST(total AS DOUBLE) END AS top_1_share,
    CASE WHEN total > 0 THEN CAST(top_10 AS DOUBLE) / CAST(total AS DOUBLE) END AS top_10_share,
    CASE WHEN total > 0 THEN CAST(top_20 AS DOUBLE) / CAST(total AS DOUBLE) END AS top_20_share,
    CASE WHEN total > 0 THEN CAST(for_80_percent AS INT) END AS customers_for_80_percent,
    CASE WHEN total > 0 THEN CAST(squares AS DOUBLE) / (CAST(total AS DOUBLE) * CAST(total AS DOUBLE)) END AS hhi
FROM summed
ORDER BY group_name
