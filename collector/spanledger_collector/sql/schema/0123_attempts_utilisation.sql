-- attempts_utilisation: what a call made of its GPU time: told by its span (a model in the application), or by its shares of a pool.
ALTER TABLE attempts
    ADD COLUMN IF NOT EXISTS mfu Nullable(Float64) COMMENT 'Share of the dense peak of its gpu_seconds that its FLOPs come to; NULL = not known' AFTER gpu_seconds,
    ADD COLUMN IF NOT EXISTS mbu Nullable(Float64) COMMENT 'Share of the memory bandwidth that what had to be read for it comes to; NULL = not known' AFTER mfu;
