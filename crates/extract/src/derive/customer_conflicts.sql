-- How many customers have sales that disagree on an attribute. The city and the region of a sale may well differ.
WITH spread AS (
    SELECT
        customer_id,
        COUNT(DISTINCT customer_name) AS names,
        COUNT(DISTINCT email) AS emails,
        COUNT(DISTINCT business_segment) AS segments
    FROM sales
    WHERE customer_id IS NOT NULL
    GROUP BY customer_id
)
SELECT 'customer_name' AS attribute, COUNT(*) AS customers FROM spread WHERE names > 1
UNION ALL
SELECT 'email' AS attribute, COUNT(*) AS customers FROM spread WHERE emails > 1
UNION ALL
SELECT 'business_segment' AS attribute, COUNT(*) AS customers FROM spread WHERE segments > 1
