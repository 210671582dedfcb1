-- charges_of_duplicates: lets amortization_charges have a projection: where a merge leaves out a row that is there twice, the part's
--   sums are made again.
ALTER TABLE amortization_charges MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild';
