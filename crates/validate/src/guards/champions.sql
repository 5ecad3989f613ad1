-- What Champions and what all customers spent.
SELECT
    COUNT(*) AS customers,
    COUNT(CASE WHEN segment = 'Champions' THEN 1 END) AS champions,
    SUM(monetary) AS amount,
    SUM(CASE WHEN segment = 'Champions' THEN monetary ELSE CAST(0 AS DECIMAL(18, 4)) END) AS champion_amount
FROM customer_rfm
