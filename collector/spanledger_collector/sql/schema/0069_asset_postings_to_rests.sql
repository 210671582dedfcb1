-- asset_postings_to_rests: keeps from when to when runs came that found nothing to charge.
-- grain: one row a rest of the block.
CREATE MATERIALIZED VIEW IF NOT EXISTS asset_postings_to_rests TO asset_rests AS
SELECT workspace, asset_id, basis_id, charged_usd, min(entered_at) AS entered_from, max(entered_at) AS entered_to
FROM asset_postings
WHERE found_nothing AND units_before = 0
GROUP BY workspace, asset_id, basis_id, charged_usd
