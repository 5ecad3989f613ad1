-- Each segment in each region of the customer, and over all regions under key 0.
WITH everyone AS (
    SELECT segment, region_key, days_since_last_order, orders, monetary, customer_key
    FROM customer_rfm
    WHERE region_key <> 0
    UNION ALL
    SELECT segment, CAST(0 AS BIGINT) AS region_key, days_since_last_order, orders, monetary, customer_key
    FROM customer_rfm
),
placed AS (
    SELECT
        segment,
        region_key,
        days_since_last_order,
        orders,
        monetary,
        CAST(ROW_NUMBER() OVER (PARTITION BY segment, region_key ORDER BY monetary, customer_key) AS BIGINT) AS place,
        COUNT(*) OVER (PARTITION BY segment, region_key) AS customers
    FROM everyone
),
segments AS (
    SELECT
        segment,
        region_key,
        COUNT(*) AS customers,
        SUM(monetary) AS net_amount,
        SUM(CAST(days_since_last_order AS BIGINT)) AS recency_days,
        SUM(CAST(orders AS BIGINT)) AS orders,
        -- The middle value, or the mean of the two in the middle.
        SUM(CASE WHEN place = (customers + 1) / 2 THEN monetary ELSE CAST(0 AS DECIMAL(18, 4)) END) AS lower_middle,
        SUM(CASE WHEN place = (customers + 2) / 2 THEN monetary ELSE CAST(0 AS DECIMAL(18, 4)) END) AS upper_middle
    FROM placed
    GROUP BY segment, region_key
),
shares AS (
    SELECT
        segment,
        region_key,
        customers,
        net_amount,
        recency_days,
        orders,
        lower_middle,
        upper_middle,
        SUM(customers) OVER (PARTITION BY region_key) AS region_customers,
        SUM(net_amount) OVER (PARTITION BY region_key) AS region_amount
    FROM segments
)
SELECT
    segment,
    region_key,
    CAST(customers AS INT) AS customers,
    CAST(customers AS DOUBLE) / CAST(region_customers AS DOUBLE) AS customer_share,
    net_amount,
    CASE WHEN region_amount <> 0 THEN CAST(net_amount AS DOUBLE) / CAST(region_amount AS DOUBLE) END AS revenue_share,
    CAST(recency_days AS DOUBLE) / CAST(customers AS DOUBLE) AS average_recency_days,
    CAST(orders AS DOUBLE) / CAST(customers AS DOUBLE) AS average_orders,
    CAST(net_amount / customers AS DECIMAL(18, 4)) AS average_monetary,
    CAST((lower_middle + upper_middle) / 2 AS DECIMAL(18, 4)) AS median_monetary
FROM shares
ORDER BY segment, region_key
