-- As seen on as_of: what was paid later is not yet paid.
WITH seen AS (
    SELECT
        payment_id,
        order_id,
        customer_id,
        due_on,
        CASE WHEN paid_on <= CAST($as_of AS DATE) THEN paid_on END AS paid_on,
        amount
    FROM payments
),
judged AS (
    SELECT
        payment_id,
        order_id,
        customer_id,
        due_on,
        paid_on,
        amount,
        -- Late when paid after the due day, or not paid by as_of though due before it. Money that the customer is to have back is
        -- nothing they owe.
        amount > 0 AND COALESCE(paid_on, CAST($as_of AS DATE)) > due_on AS is_late
    FROM seen
)
SELECT
    payment_id,
    order_id,
    surrogate_key(customer_id) AS customer_key,
    date_key(due_on) AS due_date_key,
    date_key(paid_on) AS paid_date_key,
    amount,
    is_late,
    CASE WHEN is_late THEN CAST(COALESCE(paid_on, CAST($as_of AS DATE)) AS INT) - CAST(due_on AS INT) ELSE 0 END AS days_late
FROM judged
ORDER BY payment_id
