-- The value that most rows have; of several the first in the order of their text.
SELECT CAST("$value" AS VARCHAR) AS common_value, COUNT(*) AS rows_of_value
FROM "$table"
WHERE "$filter"
GROUP BY CAST("$value" AS VARCHAR)
ORDER BY rows_of_value DESC, common_value NULLS LAST
LIMIT 1
