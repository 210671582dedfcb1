-- trace_shape: variance (n - 1 below the line) and skewness of what traces are apart (arithmetic/trace_apart), as columns of a SELECT over them;
--   0 where there is none.
-- parameters: of = the figure; in = the runs that it is of, as there.
ifNotFinite(varSampStableIf($(of)_apart, $(in)_n > 0), 0) AS $(of)_variance,
ifNotFinite(skewSampIf($(of)_apart, $(in)_n > 0), 0) AS $(of)_skewness
