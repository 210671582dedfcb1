"""How far off the shares of `spanledger.compute.engine` are, call by call, in a simulated engine.

``python benchmarks/gpu_shares.py`` needs nothing but spanledger: continuous batching with chunks of
2048 tokens serves agents with cached prompts, cold retrievals, chats and long reasoning. The truth
is each call's Shapley value of the time of every step (sampled orders of those in it). It prints,
for each way of sharing, the mean error (wMAPE) and the factor within which 19 of 20 calls lie.
Truth and shares rest on one roofline, so this ranks ways of sharing and bounds what they add to the
roofline's own error.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from spanledger.compute import Gpu, ModelArchitecture, forward_flops, gpu, kv_cache_bytes
from spanledger.compute.engine import Engine, Observation, attribute
from spanledger.compute.roofline import ASSUMED, read_weight_bytes

CHUNK = 2048
CALLS = 260
ORDERS = 6
MOST_AT_ONCE = 256
NANO = 10**9
#: Model, GPUs, and calls a second.
SETTINGS = (
    ("llama-3.1-8b", 1, 2.0), ("llama-3.1-8b", 1, 6.0), ("qwen3-30b-a3b", 1, 2.0),
    ("qwen3-30b-a3b", 1, 6.0), ("llama-3.1-70b", 4, 0.5), ("llama-3.1-70b", 4, 2.0),
)  # fmt: skip


@dataclass
class Call:
    """A call on its way."""

    name: str
    arrives: float
    prompt: int
    cached: int
    output: int
    done: int = 0
    made: int = 0
    start: float = -1.0
    first: float = 0.0
    end: float = 0.0
    truth: float = 0.0

    def advance(self, new: int, now: float) -> None:
        """So many tokens of its prompt, or one of its answer, were computed."""
        if self.done < self.prompt:
            self.done += new
            if self.done < self.prompt:
                return
            self.first = now
        self.made += 1
        if self.made >= self.output:
            self.end = now


#: In a step: a call, its new tokens, and seconds of arithmetic and of reading its cache.
Part = tuple[Call, int, tuple[float, float]]


def traffic(chance: random.Random, rate: float) -> list[Call]:
    """45 % agents, 15 % retrievals, 25 % chats, 15 % reasoning."""
    at, calls = 0.0, []
    for number in range(CALLS):
        at += chance.expovariate(rate)
        kind = chance.random()
        if kind < 0.45:
            prompt = chance.randint(4000, 24_000)
            told = (prompt, int(prompt * chance.uniform(0.6, 0.97)), chance.randint(50, 400))
        elif kind < 0.6:
            told = (chance.randint(6000, 16_000), 0, chance.randint(100, 400))
        elif kind < 0.85:
            told = (chance.randint(200, 2000), 0, chance.randint(100, 600))
        else:
            told = (chance.randint(300, 1500), 0, chance.randint(1500, 6000))
        calls.append(Call(f"c{number}", at, *told))
    return calls


class Simulated:
    """One engine of one model."""

    def __init__(self, arch: ModelArchitecture, card: Gpu, gpus: int) -> None:
        self.arch = arch
        self.flops = card.peak() * gpus * ASSUMED.mfu.value
        self.bandwidth = card.bandwidth * gpus * ASSUMED.mbu.value
        self.weights = [read_weight_bytes(arch, n) / self.bandwidth for n in range(CHUNK + 257)]

    def _seconds(self, parts: list[tuple[float, float]], tokens: int) -> float:
        computed = sum(part[0] for part in parts)
        moved = sum(part[1] for part in parts) + self.weights[min(tokens, len(self.weights) - 1)]
        return max(computed, moved) + ASSUMED.overhead.value if parts else 0.0

    def _needs(self, new: int, past: int, *, answers: bool) -> tuple[float, float]:
        latent = "absorbed" if answers else "expanded"
        flops = forward_flops(self.arch, new, past, latent=latent).total
        return flops / self.flops, kv_cache_bytes(self.arch, new + past) / self.bandwidth

    def run(self, calls: list[Call], chance: random.Random) -> None:
        """Serve them; each is told when it began, answered and ended, and what its truth is."""
        now, waiting = 0.0, list(calls)
        live: list[Call] = []
        while waiting or live:
            if not live:
                now = max(now, waiting[0].arrives)
            while waiting and waiting[0].arrives <= now and len(live) < MOST_AT_ONCE:
                call = waiting.pop(0)
                call.start, call.done = now, call.cached
                live.append(call)
            step = self._step(live)
            now += self._share(step, chance)
            for call, new, _ in step:
                call.advance(new, now)
            live = [call for call in live if not call.end]

    def _step(self, live: list[Call]) -> list[Part]:
        """A token of each that is answered, and pieces of prompts up to a chunk."""
        answering = [call for call in live if call.done >= call.prompt]
        step = [
            (call, 1, self._needs(1, call.prompt + call.made, answers=True)) for call in answering
        ]
        budget = CHUNK - len(step)
        for call in live:
            new = min(budget, call.prompt - call.done)
            if new > 0:
                step.append((call, new, self._needs(new, call.done, answers=False)))
                budget -= new
        return step

    def _share(self, step: list[Part], chance: random.Random) -> float:
        """Deal out the time of a step to those in it; returns it."""
        whole = self._seconds([part for _, _, part in step], sum(new for _, new, _ in step))
        order = list(range(len(step)))
        for _ in range(ORDERS):
            chance.shuffle(order)
            tokens, computed, moved, before = 0, 0.0, 0.0, 0.0
            for index in order:
                call, new, part = step[index]
                tokens, computed, moved = tokens + new, computed + part[0], moved + part[1]
                weights = self.weights[min(tokens, len(self.weights) - 1)]
                after = max(computed, moved + weights) + ASSUMED.overhead.value
                call.truth += (after - before) / ORDERS
                before = after
        return whole


def shares(
    name: str, gpus: int, rate: float, replicas: int = 1
) -> dict[str, list[tuple[float, float]]]:
    """By way of sharing: of each call its share and its truth, in seconds."""
    arch, card = ModelArchitecture.from_catalogue(name), gpu("h100-sxm5-80gb")
    told: dict[str, list[tuple[float, float]]] = {}
    calls = []
    for replica in range(replicas):
        chance = random.Random(replica + 7)
        mine = traffic(chance, rate)
        for call in mine:
            call.name = f"{replica} {call.name}"
        Simulated(arch, card, gpus).run(mine, chance)
        calls += mine
    end = int(max(call.end for call in calls) * NANO) + NANO
    for key, first, engine in (
        ("roofline_sliced", True, Engine(gpus * replicas, arch, card, replicas=replicas)),
        ("roofline_global", False, Engine(gpus * replicas, arch, card, replicas=replicas)),
        ("wall_over_n", False, Engine(gpus * replicas, replicas=replicas)),
    ):
        seen = [
            Observation(
                call.name,
                int(call.start * NANO),
                int(call.end * NANO),
                int(call.first * NANO) if first else 0,
                0,
                call.prompt,
                call.cached,
                call.output,
            )
            for call in calls
        ]
        dealt = attribute(seen, 0, end, engine)
        told[key] = [(dealt.shares.get(c.name, 0) / NANO / gpus, c.truth) for c in calls]
    return told


def main() -> None:
    """Every setting, alone and with four replicas."""
    for replicas in (1, 4):
        for setting in SETTINGS[:: 1 if replicas == 1 else 2]:
            for key, pairs in shares(*setting, replicas=replicas).items():
                mean = sum(abs(share - truth) for share, truth in pairs) / sum(t for _, t in pairs)
                factors = sorted(max(s / t, t / s) if s else 99.0 for s, t in pairs)
                at = factors[int(0.95 * len(factors))]
                print(f"{replicas} x {setting} {key}: {mean:.0%}, 19 of 20 within {at:.2f}")


if __name__ == "__main__":
    main()
