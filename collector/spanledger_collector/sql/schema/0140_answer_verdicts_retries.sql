-- answer_verdicts holds what was wasted because work was done again as well: the reason is that of the later work, as it was told.
ALTER TABLE answer_verdicts
    MODIFY COLUMN reason LowCardinality(String) COMMENT 'wrong | hallucinated | built_on_wrong | built_on_hallucinated; of work that was done again: application_retry | regenerated | as told';
