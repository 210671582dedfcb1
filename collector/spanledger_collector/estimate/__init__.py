"""How sure a figure is: intervals and comparisons from sufficient statistics, pure arithmetic.

Closed forms on counts, means, variances, covariances and skewness, which the engine sums over any
number of runs in one pass; nothing is drawn at random, so an answer is the same every time. An
interval that the data do not carry is not given, and says why. Which form, and why that one:

| of | form | source |
|---|---|---|
| a mean | Student's t; of skewed values on Hall's transformed t | Hall 1992, JRSS B 54 |
| a mean, where few earn or few do not | that within both, moved by Wilson's ends | Bonferroni |
| a ratio of sums | Fieller | Fieller 1954, JRSS B 16 |
| a cost per success, where few succeed or few fail | ends of the mean over Wilson's | Bonferroni |
| a share of runs | Wilson | Wilson 1927, JASA 22 |
| a share of money | Wilson with the effective number of runs | Korn & Graubard 1998 |
| a percentile | order statistics, binomial ranks: no shape is assumed | David & Nagaraja, 7.1 |
| both, of runs that share traces | with the effective number of runs | Woodruff 1952, JASA 47 |
| a difference | Welch's t; of shares Newcombe's | Welch 1947; Newcombe 1998 |
| use over days to come | exponentially weighted mean; Student's t of a prediction | Kish 1965 |
| a ratio of two groups | the delta method on logarithms | Katz et al. 1978, Biometrics 34 |
| a ratio of two shares | MOVER-R on the ends of both | Donner & Zou 2012, SMMR 21 |
"""

from .difference import (
    bounded_difference,
    bounded_quotient,
    difference,
    quotient,
    runs_needed,
    share_difference,
    share_quotient,
)
from .distributions import student_t_quantile
from .interval import FEWEST, FEWEST_OF_A_KIND, Interval
from .mean import mean_interval, runs_to_tell
from .percentile import RankGrid, percentile_interval
from .ratio import independent_ratio_interval, ratio_interval, ratio_variance
from .seldom import is_seldom, seldom_interval
from .share import part_interval, runs_worth, share_interval
from .stake import Stake, stake_interval, told_by
from .statistics import Joint, Measured, Sample, Traces
from .use import FEWEST_DAYS, Use, use_to_come, weighted_use

__all__ = [
    "FEWEST",
    "FEWEST_DAYS",
    "FEWEST_OF_A_KIND",
    "Interval",
    "Joint",
    "Measured",
    "RankGrid",
    "Sample",
    "Stake",
    "Traces",
    "Use",
    "bounded_difference",
    "bounded_quotient",
    "difference",
    "independent_ratio_interval",
    "is_seldom",
    "mean_interval",
    "part_interval",
    "percentile_interval",
    "quotient",
    "ratio_interval",
    "ratio_variance",
    "runs_needed",
    "runs_to_tell",
    "runs_worth",
    "seldom_interval",
    "share_difference",
    "share_interval",
    "share_quotient",
    "stake_interval",
    "student_t_quantile",
    "told_by",
    "use_to_come",
    "weighted_use",
]
