-- gpu_pools: the bill of each pool of GPUs of one's own, by day, and how well they were used by the calls of all agents; at most 1000 rows, dearest first.
SELECT
    day, pool, gpu_model, gpus, billed_gpu_seconds, unpriced_gpu_seconds, billed_usd, attributed_usd, load_usd, idle_usd, utilisation,
    mfu_low, mfu_high, mbu_low, mbu_high, energy_source, energy_kwh_low, energy_kwh_high, co2e_kg_low, co2e_kg_high
FROM gpu_bill
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
ORDER BY billed_usd DESC, day DESC, pool
LIMIT 1000
