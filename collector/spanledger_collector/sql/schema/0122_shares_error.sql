-- shares_error: what the column has meant since the bounds of a share are a factor.
ALTER TABLE gpu_shares COMMENT COLUMN IF EXISTS error 'How far it may be off: 19 of 20 calls lie within a factor of 1 + this, either way';
