-- asset_entries_recorded_at: when an entry was said: of several entries of an asset that came in one request the later told is the newer one.
--   Older entries of one request stay in the order of their spans.
ALTER TABLE asset_entries
    ADD COLUMN IF NOT EXISTS recorded_at DateTime64(9, 'UTC') COMMENT 'When it was said: of entries that arrived together the one that was said last is the newest' AFTER received_at;
