-- training_runs: runs of training as they were told: what each took, and how well it used its GPUs.
-- grain: one row a run of training (workspace, trace_id, span_id). units: seconds, hours, FLOPs, shares of 1; 0 = not known.
-- What a run cost is an entry of its asset (asset_entries, measured), with the same figures in the attributes of its span.
-- columns:
--   asset_id            what it makes, as the booker calls it
--   status              ok | error: it failed, and was paid all the same
--   gpu_hours           GPUs x time, 12 decimals
--   steps               of training
--   tokens              trained on, every epoch counted
--   tokens_per_second   over its whole time
--   stall_share         of its time: waiting for data
--   checkpoints         written
--   checkpoint_bytes    all of them, where the trainer told
--   flops               of the model
--   hardware_flops      with what was computed again
--   mfu                 share of the dense bf16 peak that flops come to
--   hfu                 share that hardware_flops come to
--   mbu                 share of the memory bandwidth: measured, or by what weights, optimizer and activations must move
--   mbu_low, mbu_high   ends of it; where it was measured, the same
--   mbu_method          measured | approx; empty = it is not known
CREATE OR REPLACE VIEW training_runs AS
SELECT
    workspace,
    trace_id,
    span_id,
    attributes['spanledger.training.asset'] AS asset_id,
    service_name,
    started_at,
    ended_at,
    if(status = 'error', 'error', 'ok') AS status,
    error_type,
    toDecimal128OrZero(attributes['spanledger.training.gpu_hours'], 12) AS gpu_hours,
    gpu_model,
    gpu_count,
    toUInt64OrZero(attributes['spanledger.training.steps']) AS steps,
    toUInt64OrZero(attributes['spanledger.training.tokens']) AS tokens,
    toFloat64OrZero(attributes['spanledger.training.tokens_per_second']) AS tokens_per_second,
    toFloat64OrZero(attributes['spanledger.training.stall_share']) AS stall_share,
    toUInt32OrZero(attributes['spanledger.training.checkpoints']) AS checkpoints,
    toUInt64OrZero(attributes['spanledger.training.checkpoint_bytes']) AS checkpoint_bytes,
    toDecimal128OrZero(attributes['spanledger.training.flops'], 0) AS flops,
    toDecimal128OrZero(attributes['spanledger.training.hardware_flops'], 0) AS hardware_flops,
    toFloat64OrZero(attributes['spanledger.training.mfu']) AS mfu,
    toFloat64OrZero(attributes['spanledger.training.hfu']) AS hfu,
    toFloat64OrZero(attributes['spanledger.training.mbu']) AS mbu,
    if(mapContains(attributes, 'spanledger.training.mbu.low'), toFloat64OrZero(attributes['spanledger.training.mbu.low']), mbu) AS mbu_low,
    if(mapContains(attributes, 'spanledger.training.mbu.high'), toFloat64OrZero(attributes['spanledger.training.mbu.high']), mbu) AS mbu_high,
    multiIf(
        attributes['spanledger.training.mbu.method'] != '', attributes['spanledger.training.mbu.method'],
        mbu > 0, 'measured',
        ''
    ) AS mbu_method
FROM spans FINAL
WHERE role != 'record' AND mapContains(attributes, 'spanledger.training.asset')
