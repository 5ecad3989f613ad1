-- As seen on as_of: later tickets are left out, and what was resolved later is still open.
WITH seen AS (
    SELECT
        ticket_id,
        customer_id,
        opened_at,
        CASE WHEN CAST(resolved_at AS DATE) <= CAST($as_of AS DATE) THEN resolved_at END AS resolved_at,
        category,
        priority,
        satisfaction
    FROM tickets
    WHERE CAST(opened_at AS DATE) <= CAST($as_of AS DATE)
)
SELECT
    ticket_id,
    surrogate_key(customer_id) AS customer_key,
    CAST(date_part('year', opened_at) * 10000 + date_part('month', opened_at) * 100 + date_part('day', opened_at) AS INT) AS opened_date_key,
    CAST(date_part('year', resolved_at) * 10000 + date_part('month', resolved_at) * 100 + date_part('day', resolved_at) AS INT) AS resolved_date_key,
    category,
    priority,
    CAST(CAST(resolved_at AS BIGINT) - CAST(opened_at AS BIGINT) AS DOUBLE) / CAST(3600000000 AS DOUBLE) AS resolution_hours,
    satisfaction
FROM seen
ORDER BY ticket_id
