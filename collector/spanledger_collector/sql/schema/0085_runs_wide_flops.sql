-- runs_wide_flops: the FLOPs of a run are summed and kept exactly, however many: 64 bits end at 1.8e19, which a few thousand calls of a
--   large model reach. Decimal(38, 0) and not a wider integer, for Arrow, Parquet and JSON have exact decimals and no such integers.
-- Older rows keep what they have: settling their traces again puts right what had wrapped around.
ALTER TABLE runs MODIFY COLUMN flops_total Decimal(38, 0);
