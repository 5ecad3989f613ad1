-- Grants for a region that neither a sale nor a customer names.
SELECT 'strange_region' AS finding, COUNT(*) AS found
FROM users AS u
LEFT ANTI JOIN (
    SELECT region FROM sales
    UNION
    SELECT region FROM customers
) AS r ON u.region = r.region
