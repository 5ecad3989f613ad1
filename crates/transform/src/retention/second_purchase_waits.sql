-- How long customers waited for their second purchase, and how long those were watched who are still without one.
WITH visits AS (
    SELECT
        customer_key,
        ordered_on,
        CAST(ROW_NUMBER() OVER (PARTITION BY customer_key ORDER BY ordered_on) AS BIGINT) AS visit,
        LEAD(ordered_on) OVER (PARTITION BY customer_key ORDER BY ordered_on) AS next_on
    FROM customer_days
    WHERE orders > 0
),
waits AS (
    SELECT
        CAST(COALESCE(next_on, CAST($as_of AS DATE)) AS INT) - CAST(ordered_on AS INT) AS day,
        next_on IS NOT NULL AS has_bought
    FROM visits
    WHERE visit = 1
)
SELECT
    day,
    COUNT(CASE WHEN has_bought THEN 1 END) AS events,
    COUNT(CASE WHEN NOT has_bought THEN 1 END) AS censored
FROM waits
GROUP BY day
ORDER BY day
