"""Resident memory over many calls of all kinds: it must stay flat.

One process with everything on as ``init`` sets it up (the exporter discards) makes calls inside
agent runs, in equal shares and by turns plain and asynchronous: whole answers, streams read to
their end, streams without usage (whose tokens are counted in the background), streams closed early,
streams forgotten, refused requests, and requests that the client retries. Memory is read twenty
times, after the background work is done; the first reading comes after a tenth of the calls, when
what is loaded lazily is there.

    python -m benchmarks.memory --calls 200000
"""

from __future__ import annotations

import argparse
import gc
import itertools
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import openai

import spanledger
from benchmarks.canned import MODEL, Clients, Discard, events, http, make_clients, whole_answer

_READINGS: Final = 20
_CALLS_OF_A_RUN: Final = 10
_CHUNKS: Final = 5
_PAGE_KB: Final = resource.getpagesize() / 1024


def _answering() -> Callable[[dict[str, Any]], Any]:
    """What the server says; what is asked for stands in the one message."""
    whole, told, untold = whole_answer(), events(_CHUNKS), events(_CHUNKS, usage=False)
    flaky = itertools.cycle((429, 200))

    def answer(asked: dict[str, Any]) -> Any:
        text = asked["messages"][0]["content"]
        status = 400 if text.startswith("refuse") else next(flaky) if "flaky" in text else 200
        if status != 200:
            headers = {"retry-after-ms": "1"}
            return http.Response(status, json={"error": {"message": "no"}}, headers=headers)
        if not asked.get("stream"):
            return http.Response(200, content=whole, headers={"content-type": "application/json"})
        headers = {"content-type": "text/event-stream"}
        body = untold if text.startswith("untold") else told
        return http.Response(200, content=body, headers=headers)

    return answer


def _ask(client: Any, text: str) -> Any:
    return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])


def _open(client: Any, text: str) -> Any:
    return client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True
    )


def _whole(client: openai.OpenAI, number: int) -> None:
    _ask(client, f"whole {number}")


def _read(client: openai.OpenAI, number: int) -> None:
    list(_open(client, f"told {number}"))


def _counted(client: openai.OpenAI, number: int) -> None:
    list(_open(client, f"untold {number}"))


def _closed(client: openai.OpenAI, number: int) -> None:
    with _open(client, f"untold {number}") as stream:
        next(stream)


def _forgotten(client: openai.OpenAI, number: int) -> None:
    next(_open(client, f"untold {number}"))


def _refused(client: openai.OpenAI, number: int) -> None:
    try:
        _ask(client, f"refuse {number}")
    except openai.BadRequestError:
        return
    raise RuntimeError("the request was not refused")


def _retried(client: openai.OpenAI, number: int) -> None:
    _ask(client, f"flaky {number}")


async def _whole_async(client: openai.AsyncOpenAI, number: int) -> None:
    await _ask(client, f"whole {number}")


async def _read_async(client: openai.AsyncOpenAI, number: int) -> None:
    async for _ in await _open(client, f"told {number}"):
        pass


async def _counted_async(client: openai.AsyncOpenAI, number: int) -> None:
    async for _ in await _open(client, f"untold {number}"):
        pass


async def _closed_async(client: openai.AsyncOpenAI, number: int) -> None:
    async with await _open(client, f"untold {number}") as stream:
        await anext(stream)


async def _forgotten_async(client: openai.AsyncOpenAI, number: int) -> None:
    await anext(await _open(client, f"untold {number}"))


async def _refused_async(client: openai.AsyncOpenAI, number: int) -> None:
    try:
        await _ask(client, f"refuse {number}")
    except openai.BadRequestError:
        return
    raise RuntimeError("the request was not refused")


async def _retried_async(client: openai.AsyncOpenAI, number: int) -> None:
    await _ask(client, f"flaky {number}")


_KINDS: Final = (_whole, _read, _counted, _closed, _forgotten, _refused, _retried)
_ASYNC_KINDS: Final = (
    _whole_async,
    _read_async,
    _counted_async,
    _closed_async,
    _forgotten_async,
    _refused_async,
    _retried_async,
)


@spanledger.agent(name="benchmark")
def _run(client: openai.OpenAI, first: int) -> None:
    for number in range(first, first + _CALLS_OF_A_RUN):
        _KINDS[number % len(_KINDS)](client, number)


@spanledger.agent(name="asynchronous benchmark")
async def _run_async(client: openai.AsyncOpenAI, first: int) -> None:
    for number in range(first, first + _CALLS_OF_A_RUN):
        await _ASYNC_KINDS[number % len(_ASYNC_KINDS)](client, number)


def _make(clients: Clients, until: int, made: int) -> int:
    """Runs in turns of both kinds, up to so many calls; how many there are then."""
    while made < until:
        _run(clients.plain, made)
        made += _CALLS_OF_A_RUN
        clients.loop.run_until_complete(_run_async(clients.asynchronous, made))
        made += _CALLS_OF_A_RUN
    return made


def _resident_kb(clients: Clients) -> float:
    gc.collect()
    clients.loop.run_until_complete(clients.loop.shutdown_asyncgens())  # those of forgotten streams
    spanledger.flush(60)
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KB


def main(*, calls: int = 20_000) -> None:
    """Print the figures."""
    spanledger.init(exporter=Discard(), instrument=["openai"])
    clients = make_clients(_answering())
    made = 0
    readings: list[float] = []
    start = time.perf_counter()
    for reading in range(_READINGS):
        until = calls // 10 + (calls - calls // 10) * reading // (_READINGS - 1)
        made = _make(clients, until, made)
        readings.append(_resident_kb(clients))
    seconds = time.perf_counter() - start
    told = spanledger.delivery()
    spanledger.shutdown()
    first, middle, last = readings[0], readings[len(readings) // 2], readings[-1]
    print(
        f"resident memory over {made:,} calls of {len(_KINDS)} kinds, each plain and "
        f"asynchronous, in {seconds:.0f} s"
    )
    print(
        f"  after a tenth {first / 1024:.1f} MB, half-way {middle / 1024:.1f} MB, "
        f"at the end {last / 1024:.1f} MB, most {max(readings) / 1024:.1f} MB"
    )
    print(
        f"  second half: {(last - middle) * 1024 / (calls / 2):+.1f} bytes a call; "
        f"{told.accepted:,} spans told, {told.dropped:,} dropped"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    main(calls=parser.parse_args().calls)
