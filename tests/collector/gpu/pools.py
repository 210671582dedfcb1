"""A pool of GPUs and the calls that it serves, in a ledger."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tests.collector.settle import scene

from spanledger_collector.gpu import Closer, read_pools
from spanledger_collector.store import Connection, Store

BEGIN = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
POOLS = """
gpu_pools:
  - pool: {name}
    serves: {{ provider: {name}, model: "meta-llama/*" }}
    gpu: NVIDIA H100 80GB HBM3
    gpus: 2
    model: llama-3.1-8b
    up_from: 2026-11-02T10:00:00
    up_to: 2026-11-02T10:30:00
"""
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
SECOND_NS = 1_000_000_000


class Scene:
    """A pool of two GPUs that is up for half an hour, and the calls that it serves."""

    def __init__(self, store: Store, connection: Connection, folder: Path, name: str) -> None:
        self.connection = connection
        self.name = name
        self.moment = BEGIN + timedelta(minutes=60)
        self._first = zlib.crc32(name.encode()) % 10**6 * 100
        self.file = POOLS.format(name=name)
        self._path = folder / "gpus.yaml"
        self._store = store
        self._settler = scene.settler(store)
        self.write(self.file)

    def write(self, file: str) -> None:
        """The collector's next start, with this file."""
        self._path.write_text(file)
        self._closer = Closer(
            self._store,
            read_pools(self._path),
            self._settler.settle_traces,
            now=lambda: self.moment,
        )

    def rates(self, *from_minute: tuple[int, str], **given: Any) -> None:
        """USD for an hour of a GPU, from each minute on."""
        ends = [minute for minute, _ in from_minute[1:]] + [10_000]
        scene.publish(
            self.connection,
            [
                scene.price(
                    self.name,
                    "gpu",
                    units={"gpu_seconds": (usd, 3600)},
                    valid_from=scene.moment(BEGIN + timedelta(minutes=minute)),
                    valid_to=scene.moment(BEGIN + timedelta(minutes=end)),
                    **given,
                )
                for (minute, usd), end in zip(from_minute, ends, strict=True)
            ],
        )

    def served(self, number: int, at: float, lasts: float, **given: Any) -> None:
        """A run with one call, ``at`` seconds after the begin; settled.

        ``engine`` are attributes of a server's own span below the call.
        """
        trace = self._first + number
        told = {"trace": trace, "at": at, "lasts": lasts}
        call = {"provider": self.name, "request_model": MODEL, "ttft_ns": int(lasts * 2e8), **given}
        engine = call.pop("engine", None)
        run = scene.span(1, 0, "agent", agent_name=self.name, run_id=f"r{trace}", **told)
        rows = [run, scene.call(2, 1, (1000, 200), **told, **call)]
        if engine is not None:
            usage = {
                "usage_source": "provider",
                "input_uncached_tokens": 1000,
                "output_tokens": 200,
            }
            rows.append(
                scene.span(3, 2, "engine", dialect="vllm", attributes=engine, **usage, **told)
            )
        scene.load(self.connection, rows)
        scene.settle(self._store, [trace])

    def late_engine(self, number: int, at: float, lasts: float, **seconds: float) -> None:
        """The server's own span below a call that was served before; settled again."""
        trace = self._first + number
        attributes = {f"gen_ai.latency.{name}": str(value) for name, value in seconds.items()}
        usage = {"usage_source": "provider", "input_uncached_tokens": 1000, "output_tokens": 200}
        told: dict[str, Any] = {
            "trace": trace,
            "at": at,
            "lasts": lasts,
            "dialect": "vllm",
            **usage,
        }
        scene.load(self.connection, [scene.span(3, 2, "engine", attributes=attributes, **told)])
        scene.settle(self._store, [trace])

    def loaded(self, number: int, at: float, lasts: float, **given: Any) -> None:
        """A model that an application loads in its own process; settled."""
        trace = self._first + number
        told: dict[str, Any] = {"trace": trace, "at": at, "lasts": lasts}
        model: dict[str, Any] = {"provider": self.name, "request_model": MODEL, **given}
        row = scene.span(1, operation="load_model", **told, **model)
        scene.load(self.connection, [row])
        scene.settle(self._store, [trace])

    def close(self) -> int:
        """Close what is over; returns how many windows were."""
        return self._closer.close_due(deep=True)

    def bill(self) -> dict[str, Any]:
        """The day's, which must be dealt out exactly, and as the attempts and runs carry it."""
        (row,) = self.connection.rows(
            "SELECT * FROM gpu_bill WHERE pool = {pool:String}", {"pool": self.name}
        )
        parts = ("attributed", "load", "idle")
        told: dict[str, Any] = dict(row)
        assert told["billed_gpu_seconds"] == sum(told[f"{part}_gpu_seconds"] for part in parts)
        if told["billed_usd"] is not None:
            assert told["billed_usd"] == sum(told[f"{part}_usd"] for part in parts)
            mine = f"agent_name = '{self.name}'"
            assert told["attributed_usd"] == scene.cost(self.connection, "attempts", mine)
            assert told["attributed_usd"] == scene.cost(self.connection, "runs", mine)
        return told

    def attempt(self, number: int) -> scene.Row:
        """The attempt of one call."""
        return scene.attempt(self.connection, 2, trace=self._first + number)

    def attempts(self, number: int) -> list[scene.Row]:
        """All attempts of it, those that failed included."""
        rows = self.connection.rows(
            "SELECT * FROM attempts FINAL WHERE trace_id = {trace:String} ORDER BY attempt_number",
            {"trace": scene.hex32(self._first + number)},
        )
        return [dict(row) for row in rows]
