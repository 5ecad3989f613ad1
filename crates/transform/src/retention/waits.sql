SELECT day, events, censored
FROM second_purchase_waits
ORDER BY day
