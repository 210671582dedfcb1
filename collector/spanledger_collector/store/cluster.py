"""The schema as text, for one server as it is or for a cluster.

There is one set of schema files; a cluster's statements are derived from them:

==========================  ======================================================================
a table with ``trace_id``   ``<t>_local``, replicated within its shard, and ``<t>``, Distributed
                            over them by ``cityHash64(trace_id)``: a trace lives on one shard, so
                            first-copy-wins, settling and joins by trace stay within a shard
a table without             ``<t>``, one replicated copy on every node (prices, aliases, migrations)
a Null table                ``<t>`` on every node; nothing is stored
a view that fills a table   fed by a Null table it writes to the Distributed table, which
                            sends each trace to its shard; fed by a local table, to a local one
a view                      the same text on every node, over the Distributed tables
a change of a table         of columns: of ``<t>_local`` first and then of ``<t>``, or of ``<t>`` on
                            every node; of what only a stored table has (settings, projections):
                            of the stored one
a view that goes            on every node
rows taken over             as it is, by the node that is asked: from and to the Distributed tables
==========================  ======================================================================

The macros ``{shard}`` and ``{replica}`` must be set on every node, as usual for replication. The
collector's connections set ``distributed_foreground_insert`` and ``distributed_product_mode``;
other writers must set the first, or an insert that returned may still be lost.
"""

import re
from collections.abc import Mapping

from spanledger_collector.errors import ConfigurationError, PermanentError

from .migrations import schema_files, view_files

_CLUSTER = re.compile(r"\{?[A-Za-z_][A-Za-z0-9_.-]{0,63}\}?")
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)
_CHANGE = re.compile(r"^ALTER TABLE (\w+)", re.MULTILINE)
_COLUMN_CHANGE = re.compile(r"\s*\w+ COLUMN ")
_DROP = re.compile(r"^DROP VIEW IF EXISTS (\w+)", re.MULTILINE)
_COPY = re.compile(r"^INSERT INTO (\w+)", re.MULTILINE)
_FILLER = re.compile(r"^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+)", re.MULTILINE)
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW (\w+)", re.MULTILINE)
_ENGINE = re.compile(r"^ENGINE = (\w+)(?:\(([^)]*)\))?", re.MULTILINE)
_FROM = re.compile(r"\bFROM (\w+)")
_SHARD_KEY = re.compile(r"^\s+`?trace_id`? String", re.MULTILINE)


def schema_ddl(cluster: str | None = None) -> str:
    """Every statement of the schema, in order, each ended by a semicolon.

    Args:
        cluster: name of the cluster in the servers' ``remote_servers``; None = one server.

    Raises:
        ConfigurationError: that cannot be a cluster's name.
        PermanentError: a schema file is not of a known form.
    """
    texts = [file.text for file in schema_files()]
    views = list(view_files().values())
    if cluster is not None:
        if not _CLUSTER.fullmatch(cluster):
            raise ConfigurationError(f"{cluster!r} cannot be the name of a cluster")
        kinds = _kinds(texts)
        texts = [_clustered(text, kinds, cluster) for text in texts]
        views = [_VIEW.sub(_on_cluster(cluster), text, count=1) for text in views]
    return "\n".join(f"{text.strip().rstrip(';')};\n" for text in [*texts, *views])


def _kinds(texts: list[str]) -> Mapping[str, str]:
    """Table -> ``sharded``, ``everywhere`` or ``null``."""
    kinds: dict[str, str] = {}
    for text in texts:
        table, engine = _TABLE.search(text), _ENGINE.search(text)
        if table and engine:
            sharded = "sharded" if _SHARD_KEY.search(text) else "everywhere"
            kinds[table.group(1)] = "null" if engine.group(1) == "Null" else sharded
    return kinds


def _clustered(text: str, kinds: Mapping[str, str], cluster: str) -> str:
    table, filler = _TABLE.search(text), _FILLER.search(text)
    if filler:
        return _fillers(text, filler, kinds, cluster)
    change = _CHANGE.search(text)
    if change:
        return _changed(text, change, kinds, cluster)
    if not table:
        return _without_table(text, cluster)
    name = table.group(1)
    if kinds[name] == "null":
        return _TABLE.sub(_on_cluster(cluster), text, count=1)
    if kinds[name] == "everywhere":
        created = _TABLE.sub(_on_cluster(cluster), text, count=1)
        return _replicated(
            created, f"/clickhouse/tables/all/{{database}}/{name}", "{shard}-{replica}"
        )
    created = _TABLE.sub(
        f"CREATE TABLE IF NOT EXISTS {name}_local ON CLUSTER '{cluster}'", text, count=1
    )
    local = _replicated(created, f"/clickhouse/tables/{{shard}}/{{database}}/{name}", "{replica}")
    return f"{local.strip().rstrip(';')};\n\n{_distributed(name, cluster)}"


def _without_table(text: str, cluster: str) -> str:
    if _DROP.search(text):
        return _DROP.sub(_on_cluster(cluster), text, count=1)
    if _COPY.search(text):
        return text
    raise PermanentError(f"a schema file is no table, view, copy or change: {text[:80]!r}")


def _changed(text: str, change: re.Match[str], kinds: Mapping[str, str], cluster: str) -> str:
    name = change.group(1)
    tables = [name]
    if kinds[name] == "sharded":
        of_columns = _COLUMN_CHANGE.match(text, change.end())
        tables = [f"{name}_local", name] if of_columns else [f"{name}_local"]
    what = text[change.end() :].strip().rstrip(";")
    told = (f"ALTER TABLE {table} ON CLUSTER '{cluster}' {what}" for table in tables)
    return text[: change.start()] + ";\n\n".join(told)


def _on_cluster(cluster: str) -> str:
    return rf"\g<0> ON CLUSTER '{cluster}'"


def _replicated(text: str, path: str, replica: str) -> str:
    engine = _ENGINE.search(text)
    if not engine or not engine.group(1).endswith("MergeTree"):
        raise PermanentError(f"only MergeTree tables can be replicated: {text[:80]!r}")
    arguments = ", ".join(filter(None, [f"'{path}'", f"'{replica}'", engine.group(2)]))
    replaced = f"ENGINE = Replicated{engine.group(1)}({arguments})"
    text = text[: engine.start()] + replaced + text[engine.end() :]
    return text.replace("non_replicated_deduplication_window", "replicated_deduplication_window")


def _distributed(name: str, cluster: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER '{cluster}' AS {name}_local\n"
        f"ENGINE = Distributed('{cluster}', currentDatabase(), {name}_local, cityHash64(trace_id))"
    )


def _fillers(text: str, filler: re.Match[str], kinds: Mapping[str, str], cluster: str) -> str:
    """A materialized view: the table that feeds it decides where its rows go."""
    name, target = filler.groups()
    sources = set(_FROM.findall(text)) & set(kinds)
    from_null = any(kinds[source] == "null" for source in sources)
    goal = target if from_null or kinds[target] != "sharded" else f"{target}_local"

    def local(source: re.Match[str]) -> str:
        table = source.group(1)
        return f"FROM {table}_local" if kinds.get(table) == "sharded" else source.group(0)

    body = _FROM.sub(local, text[filler.end() :])
    head = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} ON CLUSTER '{cluster}' TO {goal}"
    return text[: filler.start()] + head + body
