"""The words ad-hoc SQL may consist of. What is not listed is refused.

A function is listed when all it does is compute a value from its arguments. Left out are those that
read files, URLs, dictionaries, other tables or the server's own state, that wait, fail or allocate
on purpose, and those nobody has needed yet. Names are compared without regard to case.
"""

#: Longer statements are refused.
MAX_STATEMENT_BYTES = 32 * 1024


def _words(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


KEYWORDS = _words("""
    ALL AND ANTI ANY AS ASC ASOF BETWEEN BY CASE CAST CROSS CUBE CURRENT DESC DISTINCT ELSE END
    EXCEPT EXISTS FALSE FILL FINAL FIRST FOLLOWING FROM FULL GROUP HAVING ILIKE IN INNER INTERSECT
    INTERVAL IS JOIN LAST LEFT LIKE LIMIT NOT NULL NULLS OFFSET ON OR ORDER OUTER OVER PARTITION
    PRECEDING PREWHERE QUALIFY RANGE RIGHT ROLLUP ROW ROWS SELECT SEMI STEP THEN TIES TO TOTALS TRUE
    UNBOUNDED UNION USING WHEN WHERE WINDOW WITH
    NANOSECOND MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR
""")

# Keywords that an opening parenthesis may follow without making it a function call.
BEFORE_PARENTHESIS = _words("""
    ALL AND ANY AS BETWEEN BY CASE CAST DISTINCT ELSE EXCEPT EXISTS FROM HAVING IN INTERSECT
    INTERVAL JOIN LIKE ILIKE LIMIT NOT OFFSET ON OR OVER PREWHERE QUALIFY SELECT THEN UNION USING
    WHEN WHERE WITH CUBE ROLLUP
""")

TYPES = _words("""
    Array Bool Boolean Date Date32 DateTime DateTime64 Decimal Decimal32 Decimal64 Decimal128
    Decimal256 Float32 Float64 Int8 Int16 Int32 Int64 Int128 Int256 LowCardinality Map Nullable
    String Tuple UInt8 UInt16 UInt32 UInt64 UInt128 UInt256 UUID
""")

_AGGREGATES = _words("""
    any anyHeavy anyLast argMax argMin avg avgWeighted corr count covarPop covarSamp deltaSum
    entropy exponentialMovingAverage groupArray groupArraySample groupUniqArray kurtPop kurtSamp
    max median min quantile quantileDeterministic quantileExact quantileExactHigh quantileExactLow
    quantileExactWeighted quantileTDigest quantileTiming quantiles quantilesExact quantilesTDigest
    quantilesTiming simpleLinearRegression skewPop skewSamp stddevPop stddevSamp sum sumKahan
    sumWithOverflow topK topKWeighted uniq uniqCombined uniqCombined64 uniqExact uniqHLL12
    varPop varSamp
""")

# A combinator changes which rows an aggregate sees; it reaches nothing else.
_COMBINATORS = ("if", "ornull", "ordefault", "distinct", "array", "map", "ifornull", "ifordefault")

_WINDOW = _words("""
    cume_dist dense_rank denseRank first_value last_value lag lagInFrame lead leadInFrame nth_value
    ntile percent_rank percentRank rank row_number
""")

_ARITHMETIC = _words("""
    abs ceil ceiling cbrt cos degrees divide divideDecimal e exp exp10 exp2 floor gcd greatest
    intDiv intDivOrNull intDivOrZero isFinite isInfinite isNaN lcm least ln log log10 log1p log2
    minus mod modulo moduloOrZero multiply multiplyDecimal negate pi plus pow power radians round
    roundBankers roundDown sign sin sqrt tan trunc truncate max2 min2 width_bucket widthBucket
    bitAnd bitOr bitXor bitNot bitShiftLeft bitShiftRight bitCount
""")

_CONDITIONAL = _words("""
    assumeNotNull and coalesce empty equals greater greaterOrEquals if ifNull isNotNull isNull
    isZeroOrNull less lessOrEquals multiIf not notEmpty notEquals nullIf or toNullable transform
""")

_CONVERSIONS = _words("""
    CAST reinterpretAsUInt64 toBool toDate toDate32 toDateOrNull
    toDateTime toDateTime64 toDateTimeOrNull toDateTime64OrNull toDecimal32 toDecimal64 toDecimal128
    toDecimal256 toDecimal32OrNull toDecimal64OrNull toDecimal128OrNull toFixedString toFloat32
    toFloat64 toFloat32OrNull toFloat64OrNull toFloat64OrZero toInt8 toInt16 toInt32 toInt64
    toInt64OrNull toInt64OrZero toInt128 toInt256 toLowCardinality toString toTypeName toUInt8
    toUInt16 toUInt32 toUInt64 toUInt64OrNull toUInt64OrZero toUInt128 toUInt256 toUUID
    formatReadableDecimalSize formatReadableQuantity formatReadableSize formatReadableTimeDelta
""")

_DATES = _words("""
    addDays addHours addMinutes addMonths addQuarters addSeconds addWeeks addYears age date date_add
    date_diff date_sub date_trunc dateAdd dateDiff DATE_DIFF dateName dateSub dateTrunc
    formatDateTime fromUnixTimestamp fromUnixTimestamp64Micro fromUnixTimestamp64Milli
    fromUnixTimestamp64Nano makeDate makeDateTime monthName now now64 parseDateTime
    parseDateTimeBestEffort parseDateTimeBestEffortOrNull subtractDays subtractHours
    subtractMinutes subtractMonths subtractQuarters subtractSeconds subtractWeeks subtractYears
    timeSlot timestamp_diff today toDayOfMonth toDayOfWeek toDayOfYear toHour toIntervalDay
    toIntervalHour toIntervalMinute toIntervalMonth toIntervalQuarter toIntervalSecond
    toIntervalWeek toIntervalYear toISOWeek toISOYear toLastDayOfMonth toMillisecond toMinute
    toMonday toMonth toQuarter toRelativeDayNum toRelativeHourNum toRelativeMonthNum
    toRelativeWeekNum toSecond toStartOfDay toStartOfFifteenMinutes toStartOfFiveMinutes
    toStartOfHour toStartOfInterval toStartOfISOYear toStartOfMinute toStartOfMonth
    toStartOfQuarter toStartOfSecond toStartOfTenMinutes toStartOfWeek toStartOfYear toTime
    toTimeZone toUnixTimestamp toUnixTimestamp64Micro toUnixTimestamp64Milli
    toUnixTimestamp64Nano toWeek toYear toYearWeek toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss yesterday
    current_date current_timestamp
""")

_STRINGS = _words("""
    concat concatWithSeparator editDistance endsWith endsWithUTF8 extract extractAll format hex
    initcap left leftPad length lengthUTF8 levenshteinDistance like ilike notLike notILike locate
    lower lowerUTF8 lpad rpad match multiSearchAny position positionCaseInsensitive positionUTF8
    regexpExtract replace replaceAll replaceOne replaceRegexpAll replaceRegexpOne reverse right
    rightPad splitByChar splitByString startsWith startsWithUTF8 substr substring substringIndex
    substringUTF8 trim trimBoth trimLeft trimRight ltrim rtrim upper upperUTF8 char_length
    character_length cutToFirstSignificantSubdomain domain cityHash64 xxHash64 sipHash64 MD5
    SHA256 unhex
""")

_CONTAINERS = _words("""
    array arrayAll arrayAvg arrayCompact arrayConcat arrayCount arrayCumSum arrayDifference
    arrayDistinct arrayElement arrayElementOrNull arrayEnumerate arrayExists arrayFilter arrayFirst
    arrayFirstIndex arrayFlatten arrayIntersect arrayJoin arrayLast arrayLastIndex arrayMap arrayMax
    arrayMin arrayPopBack arrayPopFront arrayProduct arrayPushBack arrayPushFront arrayReverse
    arrayReverseSort arraySlice arraySort arrayStringConcat arraySum arrayUniq arrayZip countEqual
    has hasAll hasAny indexOf map mapAdd mapApply mapConcat mapContains mapContainsKey mapFilter
    mapFromArrays mapKeys mapValues tuple tupleElement
""")

# With several arguments, the first of these is a lambda.
TAKE_LAMBDAS = _words("""
    arrayAll arrayAvg arrayCompact arrayCount arrayCumSum arrayDifference arrayExists arrayFilter
    arrayFirst arrayFirstIndex arrayLast arrayLastIndex arrayMap arrayMax arrayMin arrayProduct
    arrayReverseSort arraySort arraySum mapApply mapFilter
""")

_PLAIN = _WINDOW | _ARITHMETIC | _CONDITIONAL | _CONVERSIONS | _DATES | _STRINGS | _CONTAINERS

FUNCTIONS = (
    _PLAIN
    | _AGGREGATES
    | {f"{aggregate}{combinator}" for aggregate in _AGGREGATES for combinator in _COMBINATORS}
)
