-- shares_utilisation: what a call made of the GPU time that it carries. Older shares tell none until their windows are closed again.
ALTER TABLE gpu_shares
    ADD COLUMN IF NOT EXISTS mfu Nullable(Float64) COMMENT 'Share of the dense peak that its FLOPs in this time come to; NULL = not known' AFTER attribution,
    ADD COLUMN IF NOT EXISTS mbu Nullable(Float64) COMMENT 'Share of the memory bandwidth that what had to be read for it comes to; NULL = not known' AFTER mfu;
