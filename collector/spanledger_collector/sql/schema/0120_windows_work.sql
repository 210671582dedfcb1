-- windows_work: what the GPUs of a pool computed and read in a window for its calls, and what they could have: MFU and MBU are of these.
-- units: FLOPs and bytes of all GPUs, GPU-seconds with 9 decimals; peaks of one GPU a second. Older windows tell none until they are closed again.
ALTER TABLE gpu_windows
    ADD COLUMN IF NOT EXISTS peak_flops UInt64 DEFAULT 0 COMMENT 'Dense FLOP/s of one GPU in peak_format; 0 = not known' AFTER watts,
    ADD COLUMN IF NOT EXISTS peak_format LowCardinality(String) DEFAULT '' COMMENT 'What the weights are multiplied in: bf16 | fp16 | fp8 | int8 | fp4 | fp32; empty = not known' AFTER peak_flops,
    ADD COLUMN IF NOT EXISTS bandwidth UInt64 DEFAULT 0 COMMENT 'Bytes a second that one GPU reads from its memory; 0 = not known' AFTER peak_format,
    ADD COLUMN IF NOT EXISTS work_gpu_seconds Decimal(38, 9) DEFAULT 0 COMMENT 'Part of attributed_gpu_seconds: of calls whose FLOPs are known' AFTER idle_gpu_seconds,
    ADD COLUMN IF NOT EXISTS flops Decimal(38, 0) DEFAULT 0 COMMENT 'Computed in work_gpu_seconds: useful ones, nothing twice' AFTER work_gpu_seconds,
    ADD COLUMN IF NOT EXISTS flops_low Decimal(38, 0) DEFAULT 0 COMMENT 'Low end of that' AFTER flops,
    ADD COLUMN IF NOT EXISTS flops_high Decimal(38, 0) DEFAULT 0 COMMENT 'High end of that' AFTER flops_low,
    ADD COLUMN IF NOT EXISTS flops_method LowCardinality(String) DEFAULT '' COMMENT 'exact | approx | assumed; empty = not known' AFTER flops_high,
    ADD COLUMN IF NOT EXISTS read_bytes_low Nullable(Decimal(38, 0)) COMMENT 'Read from memory in work_gpu_seconds: weights, and every cache once; NULL = not known' AFTER flops_method,
    ADD COLUMN IF NOT EXISTS read_bytes_high Nullable(Decimal(38, 0)) COMMENT 'The same, a cache as often as GPUs keep a copy of it' AFTER read_bytes_low;
