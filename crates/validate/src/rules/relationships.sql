-- Rows whose value no row of the other table has.
SELECT "$columns"
FROM (SELECT "$columns" FROM "$table" WHERE "$filter" AND "$value" IS NOT NULL) AS pointing
LEFT ANTI JOIN (SELECT "$to_column" AS member FROM "$to") AS members ON pointing."$value" = members.member
