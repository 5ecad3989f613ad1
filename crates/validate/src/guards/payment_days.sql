-- Days on which something was paid; due days lie ahead.
SELECT DISTINCT paid_date_key AS day_key
FROM fact_payments
WHERE paid_date_key IS NOT NULL
ORDER BY day_key
