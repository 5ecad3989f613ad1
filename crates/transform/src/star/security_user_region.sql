-- Names are compared without case by who reads this, so they are kept in one.
SELECT DISTINCT lower(user_principal_name) AS user_principal_name, surrogate_key(region) AS region_key
FROM users
ORDER BY user_principal_name, region_key
