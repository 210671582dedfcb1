-- rework_rate: how much of the work was wasted, by day, agent, model and prompt: what `rework` is a part of.
-- grain: (workspace, day of the start, tenant, agent_name, agent_version, provider, model, prompt_name, prompt_version).
-- units: USD, 12 decimals. Work only: what judges or guards (purpose appraisal, prevention) is in quality_cost.
-- columns:
--   provider, model       as priced; as called, where the book does not know it (for a tool its name)
--   attempts              counted attempts
--   rework_attempts       those of them that were wasted
--   cost_usd              cost of the attempts; NULL when none of it is known
--   rework_cost_usd       what is known of the cost of those that were wasted; NULL where nothing is known of cost_usd
--   unknown_cost_attempts    attempts whose cost is unknown or partly unknown: cost_usd is a lower bound when above 0
--   unknown_rework_attempts  those of them that were wasted: rework_cost_usd is a lower bound, and ratio and multiplier may be more
--   rework_ratio          rework_attempts / attempts
--   rework_cost_ratio     rework_cost_usd / cost_usd; NULL when nothing was paid, or credits leave less than was wasted
--   rework_multiplier     cost_usd / (cost_usd - rework_cost_usd): paid for a dollar of work that was used; 1 = nothing was
--                         wasted, NULL = all was, or credits leave less
CREATE OR REPLACE VIEW rework_rate AS
SELECT
    a.workspace AS workspace,
    toDate(a.started_at) AS day,
    a.tenant AS tenant,
    a.agent_name AS agent_name,
    a.agent_version AS agent_version,
    @include arithmetic/priced_as
    a.prompt_name AS prompt_name,
    a.prompt_version AS prompt_version,
    count() AS attempts,
    countIf(a.rework_reason != '') AS rework_attempts,
    sum(a.cost_usd) AS cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sumIf(a.cost_usd, a.rework_reason != ''), toDecimal128(0, 12))) AS rework_cost_usd,
    rework_attempts / attempts AS rework_ratio,
    @include arithmetic/rework_share of=cost_usd,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_cost_attempts,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.rework_reason != '') AS unknown_rework_attempts
FROM attempts AS a FINAL
WHERE a.counted AND a.purpose = 'work'
GROUP BY
    workspace,
    day,
    tenant,
    agent_name,
    agent_version,
    provider,
    model,
    prompt_name,
    prompt_version;
