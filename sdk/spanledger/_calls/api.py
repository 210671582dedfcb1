"""What a client's file says about one kind of call: how it is asked, answered and streamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from spanledger import semconv
from spanledger._calls.answer import Answer, FactValue
from spanledger._calls.facts import Attributes
from spanledger._guard import guarded


class Reading(Protocol):
    """What has been read of one stream so far."""

    def chunk(self, chunk: Any, /) -> None:
        """Take note of one chunk. Runs on the user's thread: keep it near a microsecond."""
        ...

    def answer(self) -> Answer:
        """The answer as far as it was read."""
        ...


@dataclass(frozen=True, slots=True)
class Api:
    """How to read one kind of call: typed data that a client's file gives.

    ``request`` maps the call's parameters to attributes; ``answer`` reads a whole answer;
    ``reading`` starts the reading of a stream; ``prompt`` names the parameters that hold text, the
    one with the messages first; ``snapshot`` gives the whole answer of a stream helper, if any;
    ``streams`` is true for a method that streams without being asked by ``stream=True``;
    ``positional`` names the parameters that may be given without their name, in order;
    ``lazy`` is true where a stream makes its request only when it is first read;
    ``tier_attribute`` is the provider's word for the service tier that answered;
    ``adapt`` is for clients that name things otherwise: it gives the parameters with the model
    under ``model``, and the way to read a call with these; ``watch`` takes over a call whose result
    holds its stream inside, and ends it, and may give what the application gets instead;
    ``reading_of`` is for streams that have to be looked at
    themselves; ``covers`` is true where calls of other clients inside are this one's doing
    (but for what code of others asks meanwhile: ``inside``);
    ``told_inside`` tells calls that only make others, which are told instead; ``headers`` reads
    facts from the headers of the HTTP answer, where a server tells some there; ``failed`` tells
    what a call took that raised; ``generates`` is how the type of an event with generated text
    ends, for streams that begin with others.
    """

    operation: str
    request: Callable[[Mapping[str, Any]], Attributes]
    answer: Callable[[Any], Answer]
    reading: Callable[[Mapping[str, Any]], Reading]
    prompt: tuple[str, ...]
    snapshot: Callable[[Any], Answer] | None = None
    streams: bool = False
    positional: tuple[str, ...] = ()
    lazy: bool = False
    tier_attribute: str = semconv.OPENAI_RESPONSE_SERVICE_TIER
    adapt: Callable[[Mapping[str, Any]], tuple[Api, Mapping[str, Any]]] | None = None
    watch: Callable[[Any, Any, Mapping[str, Any]], Any] | None = None
    reading_of: Callable[[Any, Mapping[str, Any]], Reading] | None = None
    covers: bool = False
    told_inside: Callable[[Mapping[str, Any]], bool] | None = None
    headers: Callable[[Mapping[str, str]], Mapping[str, FactValue]] | None = None
    failed: Callable[[Any, Mapping[str, Any]], Mapping[str, FactValue]] | None = None
    generates: str = ""

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters of a call by name."""
        return {**dict(zip(self.positional, args, strict=False)), **kwargs} if args else kwargs

    def facts_of_failed(self, call: Any, kwargs: Mapping[str, Any]) -> dict[str, FactValue]:
        """What a call took that raised; nothing where nobody can tell."""
        nothing: dict[str, FactValue] = {}
        if self.failed is None:
            return nothing
        return dict(guarded(nothing)(self.failed)(call, kwargs))

    def streaming(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether a call with these parameters gives a stream."""
        return self.streams or kwargs.get("stream") is True


@guarded(None)
def read_answer(read: Callable[[Any], Answer | None], source: Any) -> Answer | None:
    """What ``read`` makes of the source, or None where that fails."""
    return read(source)
