-- windows_replicas: how many copies of its model a pool was when a window was closed: a call has the GPUs of one of them.
-- Older windows say 1 until they are closed again.
ALTER TABLE gpu_windows ADD COLUMN IF NOT EXISTS replicas UInt16 DEFAULT 1 COMMENT 'Copies of its model, each on as many of the GPUs' AFTER gpus;
