-- How many products have sales that disagree on an attribute.
WITH spread AS (
    SELECT
        product_id,
        COUNT(DISTINCT product_name) AS names,
        COUNT(DISTINCT category) AS categories,
        COUNT(DISTINCT subcategory) AS subcategories
    FROM sales
    GROUP BY product_id
)
SELECT 'product_name' AS attribute, COUNT(*) AS products FROM spread WHERE names > 1
UNION ALL
SELECT 'category' AS attribute, COUNT(*) AS products FROM spread WHERE categories > 1
UNION ALL
SELECT 'subcategory' AS attribute, COUNT(*) AS products FROM spread WHERE subcategories > 1
