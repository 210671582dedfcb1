-- coverage: how much of the usage is priced, over a period of whole days.
-- parameters: workspace; since, until (start of the call, until exclusive; days are taken whole).
-- grain: (price_status, usage_source). units: USD, tokens; ratios 0..1 of the period.
-- columns: price_status, usage_source, attempts, attempts_ratio, tokens, tokens_ratio, cost_usd (NULL = unknown).
SELECT
    price_status,
    usage_source,
    sum(c.attempts) AS attempts,
    attempts / sum(attempts) OVER () AS attempts_ratio,
    sum(c.tokens) AS tokens,
    if(sum(tokens) OVER () = 0, 0., tokens / sum(tokens) OVER ()) AS tokens_ratio,
    sum(c.cost_usd) AS cost_usd
FROM coverage AS c
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
GROUP BY
    price_status,
    usage_source
ORDER BY
    attempts DESC,
    price_status,
    usage_source;
