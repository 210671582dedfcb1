-- settling_utilisation: what spans tell of it, for the attempts.
ALTER TABLE settling_spans
    ADD COLUMN IF NOT EXISTS gpu_mfu Nullable(Float64) COMMENT 'spanledger.gpu.mfu; NULL = not told' AFTER gpu_model,
    ADD COLUMN IF NOT EXISTS gpu_mbu Nullable(Float64) COMMENT 'spanledger.gpu.mbu; NULL = not told' AFTER gpu_mfu;
