"""Model calls that a framework sees and no client of ours makes: told once, by the framework.

A model of a framework may ask its provider through a client that is not measured, or none at all
(a socket, gRPC, an HTTP library). The framework sees the answer and its usage all the same. So its
models are followed, whoever wrote them (``families``): where no call of ours begins inside
(``boundary``) and the answer has a usage, one span tells the call, from where the model was asked
to where it had answered (``asking``). What a model that asks another model is given is told by the
inner one. Nothing is estimated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, NamedTuple

from opentelemetry.trace import Tracer

from spanledger._calls.answer import Answer, fields_of
from spanledger._frameworks.answering import wrapper_of
from spanledger._frameworks.boundary import around
from spanledger._patches.families import follow, follow_own
from spanledger._patches.patching import Kind


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call as the framework knows it.

    Attributes:
        provider: who was asked, by the framework's name; empty where it has none.
        model: what was asked for.
        answer: what came back, with its usage.
        address: URL object that the request went to, where the framework has one.
    """

    provider: str
    model: str
    answer: Answer
    address: object = None


class Question(NamedTuple):
    """What a model is asked, for budgets and for calls that fail.

    Attributes:
        provider: see :class:`ModelCall`.
        model: what is asked for.
        prompt: all that is sent: texts, mappings and plain objects of these, without cycles.
        max_output_tokens: the request's own limit; None = it has none.
        address: see :class:`ModelCall`.
    """

    provider: str
    model: str
    prompt: object
    max_output_tokens: int | None = None
    address: object = None


class Heard(NamedTuple):
    """A usage that a model told its framework beside the answer, in its provider's words."""

    usage: object


def always(_args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> bool:
    """Whatever a method was given."""
    return True


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a framework.

    Attributes:
        module: where the class is that all of them are below.
        name: of that class.
        methods: what asks a model, and how it gives its answer.
        asks: given a model and the positional and named parameters of a method, what is asked.
        read: given a model and what it gave (the result, all that was kept of a stream, the stream
            that a manager gave, before it what was ``Heard``), the call; None where nothing is
            known of it.
        keeps: whether what a stream gave says anything of the call beyond its text.
        streams: given the positional and the named parameters, whether pieces of a stream are asked
            for, of a method that gives a whole answer as a stream of one.
        tells: method of the class itself that models hand a usage to while they are asked, where
            their answers have none.
    """

    module: str
    name: str
    methods: Mapping[str, Kind]
    asks: Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Question]
    read: Callable[[Any, list[Any]], ModelCall | None]
    keeps: Callable[[Any], bool] = bool
    streams: Callable[[tuple[Any, ...], Mapping[str, Any]], bool] = always
    tells: str = ""

    def attach(self, module: ModuleType, /, tracer: Callable[[], Tracer]) -> Callable[[], None]:
        """Follow them; gives what undoes it."""
        base: type[Any] = getattr(module, self.name)
        wrappers = {name: wrapper_of(self, kind, tracer) for name, kind in self.methods.items()}
        leaving = [follow(base, wrappers)]
        if self.tells:
            leaving.append(follow_own(base, self.tells, _hear))

        def leave() -> None:
            for one in leaving:
                one()

        return leave


def _hear(
    wrapped: Callable[..., Any], _model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    asked = around()
    if asked is not None and not asked.told:
        asked.heard.extend(Heard(usage) for usage in (*args, *kwargs.values())[:1])
    return wrapped(*args, **kwargs)


def given(args: tuple[Any, ...], kwargs: Mapping[str, Any], name: str, place: int = 0) -> Any:
    """A parameter of a method by its name, else by its place; None where it was not given."""
    return kwargs.get(name, args[place] if len(args) > place else None)


def limit_of(*holders: object) -> int | None:
    """The most tokens that may be generated, by the first of these that says so."""
    for told in map(fields_of, holders):
        for name in _LIMITS:
            limit = told.get(name)
            if isinstance(limit, int | float) and limit > 0:
                return int(limit)
    return None


#: What integrations call it.
_LIMITS: Final = (
    *("max_tokens", "max_output_tokens", "max_completion_tokens", "max_new_tokens"),
    *("num_predict", "max_tokens_to_sample"),
)
