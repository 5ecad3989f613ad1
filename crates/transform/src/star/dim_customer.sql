-- Customers somebody names though the customers source does not have them. Known ones fall out before the texts are compared,
-- and sales are asked only where some are known to name others.
WITH named AS (
    SELECT customer_id FROM sales WHERE CAST($orphan_customers AS BOOLEAN)
    UNION ALL
    SELECT customer_id FROM payments
    UNION ALL
    SELECT customer_id FROM tickets
),
inferred AS (
    SELECT DISTINCT n.customer_id
    FROM named AS n
    LEFT ANTI JOIN (SELECT surrogate_key(customer_id) AS customer_key FROM customers) AS c
        ON surrogate_key(n.customer_id) = c.customer_key
    WHERE n.customer_id IS NOT NULL
),
members AS (
    SELECT
        surrogate_key(customer_id) AS customer_key,
        customer_id,
        customer_name,
        email,
        business_segment,
        region,
        country,
        city,
        -- Whole years at as_of: the difference of two yyyymmdd numbers, cut to its ten-thousands. Nobody is born later.
        COALESCE(
            CASE WHEN birth_on <= CAST($as_of AS DATE) THEN (date_key(CAST($as_of AS DATE)) - date_key(birth_on)) / 10000 END,
            age
        ) AS age,
        signup_on,
        TRUE AS is_known
    FROM customers
    UNION ALL
    SELECT
        surrogate_key(customer_id) AS customer_key,
        customer_id,
        NULL AS customer_name,
        NULL AS email,
        NULL AS business_segment,
        NULL AS region,
        NULL AS country,
        NULL AS city,
        NULL AS age,
        NULL AS signup_on,
        FALSE AS is_known
    FROM inferred
    UNION ALL
    SELECT
        column1 AS customer_key,
        CAST(column2 AS VARCHAR) AS customer_id,
        column3 AS customer_name,
        CAST(column2 AS VARCHAR) AS email,
        CAST(column2 AS VARCHAR) AS business_segment,
        CAST(column2 AS VARCHAR) AS region,
        CAST(column2 AS VARCHAR) AS country,
        CAST(column2 AS VARCHAR) AS city,
        CAST(column2 AS INT) AS age,
        CAST(column2 AS DATE) AS signup_on,
        FALSE AS is_known
    FROM (VALUES (0, NULL, 'Unknown')) AS unknown_member
),
purchases AS (
    SELECT
        customer_key,
        MIN(ordered_on) AS first_order_on,
        MAX(ordered_on) AS last_order_on
    FROM orders
    WHERE is_purchase_of_day
    GROUP BY customer_key
),
-- Whoever has a region of their own needs none from their orders.
without_region AS (
    SELECT customer_key
    FROM members
    WHERE region IS NULL AND customer_key <> 0
),
-- The region of the latest order; of several at that moment the one with more net amount, then by name.
placed AS (
    SELECT
        o.customer_key,
        o.region_key,
        ROW_NUMBER() OVER (
            PARTITION BY o.customer_key
            ORDER BY o.ordered_at DESC, o.net_amount DESC, r.region_name, o.order_number
        ) AS place
    FROM orders AS o
    INNER JOIN without_region AS w ON o.customer_key = w.customer_key
    INNER JOIN dim_region AS r ON o.region_key = r.region_key
    WHERE o.region_key <> 0
),
latest_region AS (
    SELECT customer_key, region_key
    FROM placed
    WHERE place = 1
)
SELECT
    m.customer_key,
    m.customer_id,
    m.customer_name,
    m.email,
    m.business_segment,
    CASE
        WHEN m.customer_key = 0 THEN 0
        WHEN m.region IS NOT NULL THEN surrogate_key(m.region)
        ELSE COALESCE(l.region_key, 0)
    END AS region_key,
    m.country,
    m.city,
    CASE
        WHEN m.age IS NULL OR m.age < 0 THEN NULL
        WHEN m.age < 25 THEN '<25'
        WHEN m.age < 35 THEN '25-34'
        WHEN m.age < 55 THEN '35-54'
        ELSE '55+'
    END AS age_band,
    m.signup_on,
    p.first_order_on,
    p.last_order_on,
    m.is_known
FROM members AS m
LEFT JOIN purchases AS p ON m.customer_key = p.customer_key
LEFT JOIN latest_region AS l ON m.customer_key = l.customer_key
ORDER BY m.customer_key
