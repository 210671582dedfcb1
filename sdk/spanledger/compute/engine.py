"""Whose time a GPU's was: the time of an engine dealt out to the calls that it worked on together.

An engine answers many calls at once, so the time of a call is not its share of the machine: while
sixteen are answered side by side each costs a sixteenth of the time, and a long prompt costs more
of its step than the token that another call gets from it. The time between two events (a call
begins, has its first token, ends) is split over the calls that are live in it, by what each asks of
the machine in a second. So every nanosecond in which somebody was served is somebody's, and the
rest is idle: shares, loading and idle time sum to the whole, as integers.

Which weights are used depends on what is known (`Key`). How far off shares were in simulations of
continuous batching (260 calls a setting, three models), against Shapley values of the time of each
step: in the mean over all time, and the factor within which 19 of 20 calls lay, the worst of nine
settings (`benchmarks/gpu_shares.py`; of four replicas in brackets, where nobody knows which one a
call was on):

==================  ===========================================  ==========  ===========
``roofline_sliced``  prompt and answer apart, by their rooflines   3 to 18 %  1.7 (2.3)
``roofline_global``  one weight a call, without a first token     10 to 32 %  1.9 (2.3)
``wall_over_n``      every live call alike                        3 to 56 %   5.1
==================  ===========================================  ==========  ===========

A call is told with the least sure key of those that it was live with. One whose tokens nobody knows
(cancelled, and its server tells no usage) worked all the same: it is taken to ask what those beside
it do in the mean, as is who loads the model, and counts as ``wall_over_n``. Calls of two hybrids
(states as large as caches, FLOPs off by -25 to +35 %) lay within 2.1, by ``wall_over_n`` in 5.1.

A pool of several replicas has that many engines: while fewer calls are live than replicas, each has
one to itself and the other replicas are idle; no call has more than one. Which call was on which
replica is not told: calls are taken to be spread over them, so idle time is a lower bound.

Shares of FLOPs (67 to 122 %) or of tokens (44 to 126 %) are not used: decoding is bound by memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.flops import computed_tokens, forward_flops
from spanledger.compute.gpu import Gpu
from spanledger.compute.roofline import (
    ASSUMED,
    Efficiency,
    cache_weight,
    compute_format,
    read_weight_bytes,
)
from spanledger.compute.vram import kv_cache_bytes

Key = Literal["roofline_sliced", "roofline_global", "wall_over_n"]

#: How far a share may be off: 19 of 20 calls lie within a factor of 1 + this, either way.
KEY_ERROR: Final[Mapping[Key, Decimal]] = {
    "roofline_sliced": Decimal("0.7"),
    "roofline_global": Decimal("0.9"),
    "wall_over_n": Decimal("4.1"),
}
#: At least this much where calls are spread over replicas.
REPLICAS_ERROR: Final = Decimal("1.3")
#: And where the architecture is known but for an interval, such as that of a hybrid.
APPROXIMATE_ERROR: Final = Decimal("1.1")
#: And where nobody tells what was cached of a live prompt: in simulations 2.04 at worst.
CACHE_UNTOLD_ERROR: Final = Decimal("1.1")
#: From the surest to the least sure.
_KEYS: Final[tuple[Key, ...]] = tuple(KEY_ERROR)
_NANO: Final = 1e9
#: Weights are integers: shares of an interval are exact, whatever the order of the calls.
_WEIGHT_SCALE: Final = 10**12


@dataclass(frozen=True, slots=True)
class Observation:
    """One call, as the engine or its client saw it.

    Attributes:
        call: Its name.
        start_ns: When work on it began (time in a queue costs no GPU), nanoseconds since 1970.
        end_ns: When it ended, also by being cancelled.
        first_token_ns: When its first token was there; 0 = not known.
        load_ns: Of its time, at the begin, for loading the model.
        prompt_tokens: All of the prompt; 0 = not known, since none is empty.
        cached_tokens: Of them, read from the prefix cache.
        output_tokens: Of the answer; None = not known.
        recomputed_tokens: Computed again because it was preempted: its waste.
        accepted_tokens: Of the answer, drafted ones that were kept: it took as many steps less.
        cache_told: False = nobody says whether the prefix cache had any of it, and 0 is no count.
    """

    call: str
    start_ns: int
    end_ns: int
    first_token_ns: int = 0
    load_ns: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int | None = 0
    recomputed_tokens: int = 0
    accepted_tokens: int = 0
    cache_told: bool = True

    @property
    def works_from_ns(self) -> int:
        """When the model was there."""
        return min(self.start_ns + self.load_ns, self.end_ns)

    @property
    def has_first_token(self) -> bool:
        """Prompt and answer can be told apart."""
        return self.works_from_ns < self.first_token_ns <= self.end_ns

    @property
    def answer_known(self) -> bool:
        """How long its answer was: one that went on after its first token was not empty."""
        if self.output_tokens == 0 and self.has_first_token:
            return self.first_token_ns == self.end_ns
        return self.output_tokens is not None


@dataclass(frozen=True, slots=True)
class Attribution:
    """The GPU time of one window, in GPU-nanoseconds; all parts sum to ``billed_ns``.

    Attributes:
        shares: Call -> its time, its waste included.
        waste: Call -> of its share, what computing preempted tokens again took.
        load_ns: Loading the model: nobody's, a line of its own.
        idle_ns: Nobody was served.
        billed_ns: GPUs x length of the window.
        key: How it was shared, where least is known.
        keys: Call -> how its time was shared: the least sure of those that it was live with.
    """

    shares: Mapping[str, int]
    waste: Mapping[str, int]
    load_ns: int
    idle_ns: int
    billed_ns: int
    key: Key
    keys: Mapping[str, Key]


@dataclass(frozen=True, slots=True)
class Engine:
    """What serves: known as far as it is known.

    Attributes:
        gpus: GPUs, of all replicas.
        arch: The model; None = not known, and calls are alike.
        gpu: The accelerator; None likewise.
        weight_format: See `vram.WEIGHT_FORMATS`.
        efficiency: Shares of the peaks that it reaches.
        replicas: Copies of the model, each on as many of the GPUs, that calls are spread over.

    Raises:
        ValueError: The GPUs cannot be dealt out to the replicas.
    """

    gpus: int = 1
    arch: ModelArchitecture | None = None
    gpu: Gpu | None = None
    weight_format: str = "bf16"
    efficiency: Efficiency = ASSUMED
    replicas: int = 1

    def __post_init__(self) -> None:
        if self.gpus < 1 or self.replicas < 1 or self.gpus % self.replicas:
            raise ValueError(
                f"need GPUs that {self.replicas} replicas have equally many of, got {self.gpus}"
            )

    @property
    def gpus_each(self) -> int:
        """GPUs of a replica."""
        return self.gpus // self.replicas


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a call in which it asks the same of the machine in every second.

    ``weight`` None = not known: as much as the others ask in the mean.
    """

    call: str
    from_ns: int
    to_ns: int
    weight: int | None
    key: Key
    loading: bool = False


def attribute(
    observations: Sequence[Observation], from_ns: int, to_ns: int, engine: Engine
) -> Attribution:
    """Deal out the GPU time of an engine from one moment to another.

    Args:
        observations: Every call that it worked on in that time, and no other; what lies outside
            the window is left out of it.
        from_ns: Begin of the window, nanoseconds since 1970.
        to_ns: Its end.
        engine: What served them.

    Raises:
        ValueError: The window is empty, or two calls have one name.
    """
    if to_ns <= from_ns:
        raise ValueError(f"need a window that has a length, got {from_ns}..{to_ns}")
    if len({one.call for one in observations}) < len(observations):
        raise ValueError("two observations have the name of one call")
    beside = mean_live(observations)
    pieces = [piece for one in observations for piece in _pieces(one, beside[one.call], engine)]
    shares, keys, load_ns = _sweep(pieces, from_ns, to_ns, engine)
    key = _weakest(_key_of(engine), *keys.values())
    billed = engine.gpus * (to_ns - from_ns)
    waste = {
        one.call: _waste(one, shares[one.call])
        for one in observations
        if one.recomputed_tokens and one.prompt_tokens and one.call in shares
    }
    idle = billed - sum(shares.values()) - load_ns
    return Attribution(shares, waste, load_ns, idle, billed, key, keys)


def _key_of(engine: Engine) -> Key:
    """The best that an engine allows."""
    if engine.arch is None or not engine.arch.layers or engine.gpu is None:
        return "wall_over_n"
    return "roofline_sliced"


def _key(one: Observation, engine: Engine) -> Key:
    if not (one.prompt_tokens and one.answer_known):
        return "wall_over_n"
    own: Key = "roofline_sliced" if one.has_first_token else "roofline_global"
    return _weakest(_key_of(engine), own)


def _weakest(*keys: Key) -> Key:
    return max(keys, key=_KEYS.index)


def _pieces(one: Observation, live: float, engine: Engine) -> Iterable[_Piece]:
    begin, end, key = one.works_from_ns, one.end_ns, _key(one, engine)
    if one.load_ns:
        yield _Piece(one.call, one.start_ns, begin, None, key, loading=True)
    if begin >= end:
        return
    if _key_of(engine) == "wall_over_n" or not one.prompt_tokens:
        yield _Piece(one.call, begin, end, None, key)
        return
    prompt, answer = _needs(one, max(1.0, live / engine.replicas), engine)
    if not one.has_first_token:
        weight = _weight((prompt + answer) * _NANO / (end - begin)) if one.answer_known else None
        yield _Piece(one.call, begin, end, weight, key)
        return
    first = one.first_token_ns
    yield _Piece(one.call, begin, first, _weight(prompt * _NANO / (first - begin)), key)
    if end > first:
        weight = _weight(answer * _NANO / (end - first)) if one.answer_known else None
        yield _Piece(one.call, first, end, weight, key)


def _needs(one: Observation, live: float, engine: Engine) -> tuple[float, float]:
    """Seconds that its prompt and its answer need of the machine, in batches of ``live`` calls."""
    arch, gpu, efficiency = engine.arch, engine.gpu, engine.efficiency
    assert arch is not None  # noqa: S101 -- `_key` has seen to both
    assert gpu is not None  # noqa: S101
    peak = gpu.peak(compute_format(engine.weight_format)) * engine.gpus_each * efficiency.mfu.value
    bandwidth = gpu.bandwidth * engine.gpus_each * efficiency.mbu.value
    new, cached, _ = computed_tokens(one.prompt_tokens, one.cached_tokens, 0)
    prompt = forward_flops(arch, new + one.recomputed_tokens, cached).total / peak
    read = answer_bytes(one, live, engine)
    return prompt, read / bandwidth + _steps(one) * efficiency.overhead.value / live


def answer_bytes(one: Observation, live: float, engine: Engine, *, copies: bool = True) -> float:
    """Bytes that an answer has to have read: its cache each step, and its part of the weights.

    Args:
        one: The call; its tokens are known.
        live: Sequences of a step, this one included: they share the reading of the weights.
        engine: What serves it; its model is known.
        copies: A cache is read as often as GPUs keep it; False = once, as if sequences were dealt
            out to them instead of heads.
    """
    arch = engine.arch
    assert arch is not None  # noqa: S101 -- callers have seen to it
    mean = one.prompt_tokens + max(0, (one.output_tokens or 0) - 1) // 2
    cache: float = kv_cache_bytes(arch, mean)
    if copies:
        cache *= float(cache_weight(arch, engine.gpus_each))
    weights = read_weight_bytes(arch, max(1, round(live)), engine.weight_format)
    return _steps(one) * (cache + weights / live)


def _steps(one: Observation) -> int:
    """Steps that its answer took after the prompt's: a token each, but for drafted ones."""
    after_first = max(0, (one.output_tokens or 0) - 1)
    return max(min(1, after_first), after_first - one.accepted_tokens)


def mean_live(observations: Sequence[Observation]) -> dict[str, float]:
    """How many calls were worked on while each was, itself included, in the mean over its time."""
    area = {one.call: 0 for one in observations}
    spans = [(one.call, one.works_from_ns, one.end_ns) for one in observations]
    for begin, end, live in _intervals(spans):
        for index in live:
            area[observations[index].call] += (end - begin) * len(live)
    return {
        one.call: area[one.call] / max(1, one.end_ns - one.works_from_ns) for one in observations
    }


def _intervals(
    spans: Sequence[tuple[str, int, int]],
) -> Iterable[tuple[int, int, Sequence[int]]]:
    """Between two events: begin, end, and which spans are live, in the order of their names."""
    events: dict[int, list[tuple[bool, int]]] = {}
    for index, (_, begin, end) in enumerate(spans):
        if begin < end:
            events.setdefault(begin, []).append((True, index))
            events.setdefault(end, []).append((False, index))
    live: set[int] = set()
    before = 0
    for moment in sorted(events):
        if live:
            yield before, moment, sorted(live, key=lambda index: (spans[index][0], index))
        for begins, index in events[moment]:
            (live.add if begins else live.discard)(index)
        before = moment


def _sweep(
    pieces: Sequence[_Piece], from_ns: int, to_ns: int, engine: Engine
) -> tuple[dict[str, int], dict[str, Key], int]:
    shares: dict[str, int] = {}
    keys: dict[str, Key] = {}
    load_ns = 0
    clipped = [(one.call, max(one.from_ns, from_ns), min(one.to_ns, to_ns)) for one in pieces]
    for begin, end, live in _intervals(clipped):
        beside = [pieces[index] for index in live]
        told: list[Key] = [piece.key for piece in beside if not piece.loading]
        key = _weakest(_KEYS[0], *told)
        parts = _dealt((end - begin) * engine.gpus_each, engine.replicas, beside)
        for one, part in zip(beside, parts, strict=True):
            if one.loading:
                load_ns += part
            elif part:
                shares[one.call] = shares.get(one.call, 0) + part
                before = keys.get(one.call)
                keys[one.call] = key if before is None else _weakest(key, before)
    return shares, keys, load_ns


def _dealt(each: int, replicas: int, live: Sequence[_Piece]) -> list[int]:
    """An interval's time of so many replicas by weight, of one at most a call."""
    if len(live) <= replicas:
        return [each] * len(live)
    known = [piece.weight for piece in live if piece.weight is not None]
    mean = max(1, sum(known) // len(known)) if known else _WEIGHT_SCALE
    weights = [mean if piece.weight is None else piece.weight for piece in live]
    parts = [0] * len(live)
    sharing = list(range(len(live)))
    while True:
        left = each * (replicas - len(live) + len(sharing))
        whole = sum(weights[index] for index in sharing)
        alone = [index for index in sharing if left * weights[index] >= each * whole]
        if not alone or len(alone) == len(sharing):
            break
        for index in alone:
            parts[index] = each
        sharing = [index for index in sharing if index not in alone]
    for index, part in zip(sharing, _split(left, [weights[i] for i in sharing]), strict=True):
        parts[index] = part
    return parts


def _split(amount: int, weights: Sequence[int]) -> list[int]:
    """Whole nanoseconds by weight, the rest by the largest remainder."""
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    rests = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for index in rests[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def _weight(needed: float) -> int:
    return max(1, round(needed * _WEIGHT_SCALE))


def _waste(one: Observation, share: int) -> int:
    """Of a share, by tokens: what was computed twice, of all that was computed."""
    new, _, steps = computed_tokens(one.prompt_tokens, one.cached_tokens, one.output_tokens or 0)
    computed = new + steps + one.recomputed_tokens
    return share * one.recomputed_tokens // computed
