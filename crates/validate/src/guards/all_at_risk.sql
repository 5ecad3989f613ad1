-- How many customers there are, and how many of them are at risk.
SELECT COUNT(*) AS customers, COUNT(CASE WHEN is_at_risk THEN 1 END) AS at_risk
FROM customer_value
