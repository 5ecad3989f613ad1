-- The newest day.
SELECT MAX("$value") AS newest
FROM "$table"
WHERE "$filter"
