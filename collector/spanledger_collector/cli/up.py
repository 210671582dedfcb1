"""``spanledger up``: run a collector."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from prometheus_client import disable_created_metrics

from spanledger_collector.config import CollectorConfig, settings
from spanledger_collector.pipeline import Collector, Ports

from .options import Json
from .output import console, text

_LOG = logging.getLogger(__name__)
_SQL_PORT = 8123
# What they say below an error we say better: ports, retries, connections that failed.
_CHATTY = ("uvicorn", "urllib3", "clickhouse_connect")
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def up(
    data_dir: Annotated[Path | None, typer.Option(help="Journal and embedded ledger.")] = None,
    database: Annotated[
        str | None, typer.Option(help="A ClickHouse server: http(s)://user:password@host:port.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    grpc_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="OTLP/gRPC port; 0 = any.")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="OTLP/HTTP port; 0 = any.")
    ] = None,
    api_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="API port; 0 = any.")
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Allow guarded read-only SQL.")] = False,
    sql_port: Annotated[
        int | None,
        typer.Option(min=-1, max=65535, help="ClickHouse-HTTP port for --sql (8123); -1 = any."),
    ] = None,
    keys_file: Annotated[
        Path | None, typer.Option(help="API keys; by default keys.json in the data directory.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let other machines in without keys.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start a collector: OTLP in, priced unit economics in ClickHouse out.

    Settings come from SPANLEDGER_* variables too (see docs/collector.md).

    Stop it with Ctrl-C: what was acknowledged is brought into the ledger first.

    Example: spanledger up --sql
    """
    given: dict[str, Any] = {
        "data_dir": data_dir, "database": database, "host": host, "grpc_port": grpc_port,
        "http_port": http_port, "api_port": api_port,
        "keys_file": keys_file, "insecure": insecure or None,
        "sql_port": (sql_port or _SQL_PORT) if sql else sql_port,
    }  # fmt: skip
    config = settings({key: value for key, value in given.items() if value is not None})
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    disable_created_metrics()  # a series more of each counter, for what Prometheus sees by itself
    for library in _CHATTY:
        logging.getLogger(library).setLevel(logging.ERROR)
    if asyncio.run(_serve(config, as_json=as_json)):
        # An engine that is still at work would crash in an interpreter that takes itself apart.
        sys.stdout.flush()
        os._exit(0)


async def _serve(config: CollectorConfig, *, as_json: bool) -> bool:
    """Until it is told to stop; returns whether the ledger is still at work then."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _told_to_stop, stopping, number)
    collector = Collector(config)
    ports = await collector.start()
    try:
        _announce(config, ports, as_json=as_json)
        await _until(stopping, collector)
    finally:
        await collector.stop()
    return collector.left_behind


def _told_to_stop(stopping: asyncio.Event, number: int) -> None:
    """The first signal ends the collector in good order, the second at once."""
    if stopping.is_set():
        _LOG.warning("stopped at once: what is not in the ledger waits in the journal")
        os._exit(128 + number)
    stopping.set()


async def _until(stopping: asyncio.Event, collector: Collector) -> None:
    """Wait for the signal to stop; the ledger may refuse to open before."""
    opening = asyncio.create_task(collector.opened())
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({opening, told}, return_when=asyncio.FIRST_COMPLETED)
    if opening.done():
        await opening
    await told
    opening.cancel()


def _announce(config: CollectorConfig, ports: Ports, *, as_json: bool) -> None:
    if as_json:
        line = {
            "grpc_port": ports.grpc, "http_port": ports.http, "api_port": ports.api,
            "sql_port": ports.sql, "database": config.redacted_dsn(),
        }  # fmt: skip
        print(orjson.dumps(line).decode(), flush=True)  # noqa: T201 - the answer for programs
        return
    out = console()
    out.print("[bold]spanledger collector[/] (Ctrl-C stops it)")
    listening = {
        "OTLP/gRPC": ports.grpc,
        "OTLP/HTTP": ports.http,
        "API": ports.api,
        "SQL": ports.sql,
    }
    for name, port in listening.items():
        if port:
            out.print(f"  {name:10} {text(config.host)}:{port}")
    out.print(f"  {'pages':10} http://{text(_reached(config.host))}:{ports.api}/")
    out.print(f"  {'ledger':10} {text(config.redacted_dsn())}")


def _reached(host: str) -> str:
    """What a browser of this machine calls an address that is listened on."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
