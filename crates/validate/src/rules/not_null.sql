-- Rows without a value in one of the columns.
SELECT "$columns"
FROM "$table"
WHERE "$filter" AND NOT "$present"
