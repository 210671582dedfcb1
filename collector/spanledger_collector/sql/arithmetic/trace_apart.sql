-- trace_apart: how far a trace is from what so many runs of its group would come to, as a column of a SELECT over sums by trace: what a
--   mean over runs is drawn with, where the runs of one trace are no draws of their own (cluster-robust, as the jackknife of traces has it:
--   Cameron & Miller 2015, J. Human Resources 50). The variance of it over traces / traces is that of the mean; where every trace has one run
--   it is the run less the mean.
-- parameters: of = the figure (column $(of)_sum); in = the runs that it is of (column $(in)_n: how many the trace has). Window g: the group.
($(of)_sum - $(in)_n * (sum($(of)_sum) OVER g / sum($(in)_n) OVER g)) * (countIf($(in)_n > 0) OVER g - 1)
    / (sum($(in)_n) OVER g - $(in)_n) AS $(of)_apart
