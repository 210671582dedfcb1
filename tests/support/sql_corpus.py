"""Statements for the guard of ad-hoc SQL: what it lets pass, what it refuses, and pieces to combine."""
# ruff: noqa: E501, Q003 -- tables of statements read best one a line, as sent

#: The one view that takes parameters, changing nothing.
AS_CALLED = (
    "cost_as_if(of_model = '', set_provider = '', set_model = '', set_tier = '', set_region = '', "
    "set_cache_read_ppm = -1, as_known_at = '2149-01-01 00:00:00', as_valid_at = '1970-01-01 00:00:00')"
)

ALLOWED: list[str] = [
    "SELECT 1",
    "select count() from runs",
    "SELECT agent_name, sum(cost_usd) AS cost FROM runs FINAL GROUP BY agent_name ORDER BY cost DESC",
    "SELECT * FROM ledger.runs LIMIT 5;",
    'SELECT `agent_name` FROM "runs" AS r -- a comment',
    "/* first */ SELECT r.run_id FROM runs r JOIN attempts a ON r.run_id = a.run_id",
    "SELECT run_id FROM runs UNION ALL SELECT run_id FROM attempts",
    "WITH costly AS (SELECT * FROM runs WHERE cost_usd > 1) SELECT count() FROM costly",
    "WITH 5 AS top SELECT top",
    "SELECT run_id FROM runs WHERE run_id IN (SELECT run_id FROM attempts)",
    "SELECT run_id FROM runs WHERE kind IN ('agent', 'trace') AND attempts NOT IN (1, 2)",
    "SELECT run_id FROM runs WHERE started_at >= {since:DateTime64(3, 'UTC')} AND tenant = {t:String}",
    "SELECT countIf(status = 'error') / count(), quantile(0.95)(duration_ns) FROM runs",
    "SELECT toStartOfHour(started_at) AS h, sumIf(cost_usd, kind = 'agent') FROM runs GROUP BY h WITH TOTALS",
    "SELECT run_id, row_number() OVER (PARTITION BY agent_name ORDER BY cost_usd DESC) FROM runs",
    "SELECT sum(cost_usd) OVER (ORDER BY started_at ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM runs",
    "SELECT arrayMap(x -> x * 2, [1, 2]), tags['team'], mapKeys(tags) FROM runs",
    "SELECT CASE WHEN cost_usd IS NULL THEN 'unknown' ELSE 'known' END, if(1, 2, 3) FROM runs",
    "SELECT cost_usd::Float64, CAST(attempts AS Nullable(String)), toDecimal64('1.5', 4) FROM runs",
    "SELECT now() - INTERVAL 1 DAY, dateDiff('day', started_at, ended_at) FROM runs",
    "SELECT date_trunc('hour', started_at) FROM runs",
    "SELECT 'it''s -- /* no comment */ \\' file(''/etc/passwd'')' AS text",
    "SELECT /* /* nested */ file('/etc/passwd') */ 1",
    "SELECT run_id FROM runs ORDER BY started_at LIMIT 1 BY agent_name",
    'SELECT 1 AS "Cost (USD)", 2 AS `\u20ac`',
    "SELECT toYear(started_at), toMonth(started_at), lower(agent_name) || 'x' FROM runs",
    "SELECT run_id FROM runs WHERE agent_name LIKE 'a%' AND NOT agent_name ILIKE '%b' LIMIT 10 OFFSET 5",
    f"SELECT agent_name, sum(cost_usd) FROM {AS_CALLED} AS c WHERE day >= '2026-11-01' GROUP BY agent_name",
    f"SELECT sum(a.cost_usd) FROM ledger.{AS_CALLED} AS a",
    "SELECT * FROM " + AS_CALLED.replace("'2149-01-01 00:00:00'", "{since:DateTime64(3, 'UTC')}"),
]

# (statement, what the message tells)
REFUSED: list[tuple[str, str]] = [
    # files, whichever way
    ("SELECT * FROM file('/etc/passwd')", "function file"),
    ("SELECT * FROM file('/etc/passwd', 'CSV', 's String')", "function file"),
    ("SELECT file('/etc/passwd')", "function file"),
    ("SELECT `file`('/etc/passwd')", "quoted name|function file"),
    ('SELECT "file"(\'/proc/self/environ\')', "quoted name|function file"),
    ("SELECT FILE('/proc/self/environ')", "(?i)function file"),
    ("SELECT file ('/etc/passwd')", "function file"),
    ("SELECT file/**/('/etc/passwd')", "file"),
    ("SELECT (file)('/etc/passwd')", "."),
    ("SELECT arrayMap(x -> file(x), ['/etc/passwd'])", "function file"),
    ("SELECT arrayMap(file, ['/etc/passwd'])", "."),
    ("SELECT '/etc/passwd' AS f, file(f)", "function file"),
    ("WITH file('/etc/passwd') AS f SELECT f", "function file"),
    ("SELECT * FROM (SELECT * FROM (SELECT file('/etc/passwd')))", "function file"),
    ("SELECT count() FROM runs WHERE run_id = file('/etc/passwd')", "function file"),
    ("SELECT count() FROM runs GROUP BY file('/etc/passwd')", "function file"),
    ("SELECT 1 ORDER BY file('/etc/passwd')", "function file"),
    ("SELECT 1 LIMIT length(file('/etc/passwd'))", "function file"),
    ("SELECT sum(1) OVER (ORDER BY file('/etc/passwd'))", "function file"),
    ("SELECT 1 UNION ALL SELECT file('/etc/passwd')", "function file"),
    ("SELECT * FROM runs JOIN file('/etc/passwd', 'LineAsString') f ON 1", "function file"),
    ("SELECT 1 IN (SELECT file('/etc/passwd'))", "function file"),
    ("SELECT {f:String}, file({f:String})", "function file"),
    ("DESCRIBE file('/etc/passwd')", "not DESCRIBE"),
    ("DESC TABLE file('/etc/passwd')", "not DESC"),
    ("SELECT 1 INTO OUTFILE '/tmp/x'", "."),
    ("SELECT 1 INTO OUTFILE '/tmp/x' TRUNCATE FORMAT CSV", "."),
    ("SELECT 1 INTO OUTFILE '/tmp/x' APPEND", "."),
    ("INSERT INTO runs FROM INFILE '/etc/passwd' FORMAT CSV", "not INSERT"),
    # other tables and databases
    ("SELECT * FROM system.tables", "own database"),
    ("SELECT * FROM `system`.`query_log`", "own database"),
    ("SELECT * FROM information_schema.tables", "own database"),
    ("SELECT * FROM INFORMATION_SCHEMA.TABLES", "own database"),
    ("SELECT * FROM default.runs", "own database"),
    ("SELECT * FROM a.b.c", "own database"),
    ("SELECT * FROM otlp_in_v1", "no table 'otlp_in_v1'"),
    ("SELECT * FROM RUNS", "no table 'RUNS'"),
    ("SELECT * FROM \"system.tables\"", "no table"),
    ("SELECT * FROM runs, system.one", "own database"),
    ("SELECT * FROM runs JOIN system.one ON 1", "own database"),
    ("SELECT (SELECT count() FROM system.tables)", "own database"),
    ("SELECT 1 WHERE EXISTS (SELECT 1 FROM system.users)", "own database"),
    ("SELECT 1 IN system.one", "IN system.one"),
    ("SELECT 0 IN (system.one)", "not allowed"),
    ("SELECT 0 NOT IN ((system.one))", "not allowed"),
    ("SELECT 0 GLOBAL IN system.one", "."),
    ("SELECT 0 IN runs", "IN runs"),
    ("SELECT in(0, system.one)", "."),
    ("SELECT * FROM `runs`.`x`", "own database"),
    ("SELECT * FROM {t:Identifier}", "table function|not a table"),
    ("SELECT {c:Identifier} FROM runs", "type Identifier"),
    ("SELECT {c:Nullable(Identifier)} FROM runs", "type Identifier|braces"),
    ("TABLE runs", "not TABLE"),
    # views with parameters
    ("SELECT * FROM cost_as_if", "takes all of as_known_at = ..., "),
    ("SELECT * FROM cost_as_if()", "takes all of"),
    ("SELECT * FROM cost_as_if(of_model = '')", "takes all of"),
    ("SELECT * FROM cost_as_if(1, 2)", "name = constant"),
    (f"SELECT * FROM {AS_CALLED[:-1]}, path = '/')", "takes all of"),
    ("SELECT * FROM " + AS_CALLED.replace("''", "(SELECT 'x')", 1), "name = constant"),
    ("SELECT * FROM " + AS_CALLED.replace("''", "currentUser()", 1), "function currentUser"),
    ("SELECT * FROM " + AS_CALLED.replace("''", "lower('X')", 1), "name = constant"),
    ("SELECT * FROM runs(of_model = '')", "function runs|not a table"),
    # table functions
    *(
        (f"SELECT * FROM {call}", "not allowed")
        for call in (
            "merge('runs|system')", "merge(currentDatabase(), '.*')", "url('http://h/')",
            "mergeTreeIndex(currentDatabase(), runs)", "remote('h', system.one)", "numbers(10)",
            "remoteSecure('h', 'a', 'b')", "s3('http://h/b')", "mysql('h', 'd', 't', 'u', 'p')",
            "postgresql('h', 'd', 't', 'u', 'p')", "jdbc('x', 'y')", "hdfs('h')", "input('a Int8')",
            "executable('cat /etc/passwd', 'CSV', 's String')", "dictionary('d')", "zeros(1)",
            "cluster('c', system.one)", "clusterAllReplicas('c', system.one)", "sqlite('f', 't')",
            "generateRandom('a UInt8')", "values('a Int8', 1)", "null('a Int8')", "view(SELECT 1)",
            "viewIfPermitted(SELECT 1 ELSE null('x Int8'))", "format(CSV, '1')", "Python(x)",
            "fuzzQuery('SELECT 1')", "loop(system.one)", "azureBlobStorage('x')", "redis('h')",
            "deltaLake('x')", "iceberg('x')", "mongodb('h')", "urlCluster('c', 'u')", "gcs('x')",
            "timeSeriesData('a')", "mergeTreeProjection(a, b, c)", "fileCluster('c', 'f')",
        )
    ),
    # functions that see more than their arguments
    *(
        (f"SELECT {call} FROM runs", "not allowed")
        for call in (
            "dictGet('d', 'a', 1)", "dictHas('d', 1)", "joinGet('j', 'a', 1)", "hostName()",
            "getMacro('x')", "getSetting('x')", "currentUser()", "currentDatabase()", "version()",
            "sleep(3)", "sleepEachRow(1)", "throwIf(1)", "addressToLine(1)", "demangle('x')",
            "getOSKernelVersion()", "serverUUID()", "catboostEvaluate('/m', 1)", "zookeeperSessionUptime()",
            "evalMLMethod(1, 2)", "structureToProtobufSchema('a Int8')", "filesystemAvailable()",
            "initializeAggregation('x', 1)", "finalizeAggregation(x)", "runningAccumulate(x)",
            "arrayReduce('sum', [1])", "showCertificate()", "tcpPort()", "uptime()", "query_id()",
            "initialQueryID()", "displayName()", "buildId()", "shardNum()", "fqdn()", "user()",
            "globalVariable('x')", "connectionId()", "hasColumnInTable('system', 'one', 'dummy')",
            "getServerPort('http_port')", "isDecimalOverflow(1)", "rand()", "randomString(9)",
            "repeat('a', 1000000000)", "range(1000000000)", "generateUUIDv4()", "identity(1)",
            "ignore(1)", "materialize(1)", "toJSONString(1)", "sumForEach(x)", "sumState(x)",
            "aes_decrypt_mysql('a', 'b', 'c')", "naiveBayesClassifier('x', 'y')", "lowCardinalityKeys(x)",
            "estimateCompressionRatio(run_id)", "getSubcolumn(tags, 'keys')", "blockNumber()",
        )
    ),
    # several statements, statements that are not SELECT
    ("SELECT 1; SELECT 2", "one statement"),
    ("SELECT 1; DROP TABLE runs", "one statement"),
    ("SELECT 1;; SELECT 2", "one statement"),
    ("", "nothing"),
    (";", "not ;"),
    ("-- only a comment", "nothing"),
    *(
        (text, "only SELECT")
        for text in (
            "DROP TABLE runs", "TRUNCATE runs", "INSERT INTO runs VALUES (1)", "SET max_threads = 1",
            "SYSTEM SHUTDOWN", "KILL QUERY WHERE 1", "SHOW PROCESSLIST", "SHOW TABLES", "USE system",
            "SHOW CREATE TABLE runs", "EXPLAIN SELECT 1", "EXPLAIN AST SELECT 1", "DESC runs",
            "ALTER TABLE runs DELETE WHERE 1", "CREATE TABLE x (i Int8) ENGINE = Memory",
            "CREATE FUNCTION f AS x -> x", "ATTACH TABLE x", "DETACH TABLE runs", "OPTIMIZE TABLE runs",
            "RENAME TABLE runs TO x", "EXCHANGE TABLES runs AND attempts", "GRANT ALL ON *.* TO u",
            "BACKUP TABLE runs TO Disk('d', 'x')", "CHECK TABLE runs", "EXISTS TABLE runs", "BEGIN",
            "DELETE FROM runs WHERE 1", "UPDATE runs SET a = 1 WHERE 1", "WATCH x", "EXECUTE AS u",
            "PARALLEL WITH SELECT 1", "UNDROP TABLE runs", "MOVE USER u TO x", "CREATE USER u",
        )
    ),
    ("WITH x AS (SELECT 1) INSERT INTO runs SELECT * FROM x", "."),
    # clauses the endpoint sets itself
    ("SELECT 1 SETTINGS max_memory_usage = 0", "SETTINGS"),
    ("SELECT * FROM (SELECT 1 SETTINGS max_threads = 1)", "SETTINGS"),
    ("SELECT 1 FORMAT CSV", "FORMAT"),
    ("SELECT 1 SETTINGS readonly = 0 FORMAT Null", "SETTINGS|FORMAT"),
    ("SELECT * FROM runs SAMPLE 0.1", "SAMPLE"),
    # transformers, wildcards, variables
    ("SELECT COLUMNS('.*') FROM runs", "COLUMNS"),
    ("SELECT * APPLY(file) FROM runs", "APPLY"),
    ("SELECT * APPLY file FROM runs", "."),
    ("SELECT * APPLY(x -> file(x)) FROM runs", "."),
    ("SELECT * REPLACE(file('/etc/passwd') AS run_id) FROM runs", "."),
    ("SELECT @@version", "."),
    ("SELECT @@hostname, 1", "."),
    # names that mislead
    ("WITH runs AS (SELECT 1) SELECT * FROM runs", "hides the table"),
    ("WITH x AS (SELECT * FROM system.one), system AS (SELECT 1) SELECT * FROM x", "cannot be read|own database"),
    ("WITH system AS (SELECT 1) SELECT * FROM system", "'system' cannot be read"),
    ("SELECT 1 AS `a\\`; DROP TABLE runs; --`", "."),
    ('SELECT 1 AS "a\\" , file(\'/etc/passwd\') --"', "."),
    ("SELECT `a{x:Identifier}` FROM runs", "cannot be a name"),
    ("SELECT $$a$$, file('/etc/passwd')", "."),
    ("SELECT $x$ ' $x$, file($y$/etc/passwd$y$)", "."),
    ("SELECT \u2018a\u2019, file(\u2018/etc/passwd\u2019)", "."),
    ("SELECT f\u0131le('/etc/passwd')", "."),
    ("SELECT \uff46\uff49\uff4c\uff45('/etc/passwd')", "."),
    ("SELECT 1\u00a0FROM\u2028system.one", "."),
    ("SELECT 1 \x00 FROM runs", "."),
    ("SELECT 1 /*! , file('/etc/passwd') */ INTO OUTFILE 'x'", "."),
    ("SELECT 1 # comment\n, file('/etc/passwd')", "."),
    ("SELECT 1 // comment\n, file('/etc/passwd')", "."),
    ("SELECT '\\', file('/etc/passwd') --'", "."),
    ("SELECT 'a' 'b', file('/etc/passwd')", "."),
    # types that are not checked, backtracking
    ("SELECT CAST(unhex('00'), 'AggregateFunction(sum, UInt8)')", "in quotes"),
    ("SELECT CAST('1', concat('UI', 'nt8'))", "."),
    ("SELECT unhex('00')::AggregateFunction(sum, UInt8)", "."),
    ("SELECT CAST('a' AS Enum8('a' = 1))", "."),
    ("SELECT CAST('1' AS Dynamic)", "."),
    ("SELECT xor(1, 1)", "function xor"),
    ("/* */ " * 5000 + "!", "."),
    # too much
    ("SELECT " + "(" * 2000 + "1" + ")" * 2000, "nested deeper"),
    ("SELECT " + "NOT " * 5000 + "1", "."),
    ("SELECT " + "1 + " * 5000 + "1", "."),
    ("SELECT '" + "x" * 40_000 + "'", "longer than"),
]  # fmt: skip

ATOMS: list[str] = [
    "SELECT", "FROM", "runs", "system.one", "file('/etc/passwd')", "(", ")", ",", "*", "1", "'", '"',
    "`", "\\", "--", "/*", "*/", ";", "\n", "WITH", "AS", "IN", "x", "->", "FORMAT", "SETTINGS", "INTO",
    "OUTFILE", "UNION ALL", "JOIN", "ON", "{x:String}", "{x:Identifier}", "[", "]", ".", "::", "?", ":",
    "APPLY", "COLUMNS", "merge", "ARRAY JOIN", "LIMIT", "BY", "GROUP BY", "count()", "numbers(9)", "$$",
    "INTERVAL 1 DAY", "CASE WHEN", "THEN", "END", "\u2019", "\x00", "#", "@@x", "EXCEPT", "VALUES",
]  # fmt: skip

_MANY = "splitByString(',', leftPad('', 3000, ','))"

# (statement that passes the guard or tries to lift its limits, what stops it)
ENDLESS: list[tuple[str, str]] = [
    ("SELECT count() FROM spans AS a, spans AS b SETTINGS max_execution_time = 0", "SETTINGS"),
    (
        f"WITH {_MANY} AS many SELECT x FROM (SELECT arrayJoin(many) AS x) AS a CROSS JOIN (SELECT arrayJoin(many) AS y) AS b",
        "396.*Limit for result",
    ),
    (
        f"SELECT uniqExact(x, y) FROM (SELECT arrayJoin({_MANY}) AS x) AS a CROSS JOIN (SELECT arrayJoin(arrayEnumerate({_MANY})) AS y) AS b CROSS JOIN (SELECT arrayJoin({_MANY}) AS z) AS c",
        "memory ran out|took too long",
    ),
]
