-- One number over the rows of a table.
SELECT CAST("$figure" AS DECIMAL(38, 8)) AS figure
FROM "$table"
WHERE "$filter"
