"""What a call has to do with budgets: it reserves before it is sent, and pays when it has ended.

``call.Call`` asks here, once for all clients. An error of ours lets the call through, as
everywhere (``_guard``); only what the user asked for is raised: by a budget's mode, or by its
function.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from spanledger import rates, semconv
from spanledger._budgets.accounts import Account, Over, Reservation, reserve
from spanledger._budgets.in_force import Holding, decided_by, deciding, key_of
from spanledger._budgets.refresh import ask_elsewhere
from spanledger._budgets.settled_cost import settled_cost
from spanledger._budgets.upper_cost import (
    input_tokens,
    kinds_made,
    opened,
    output_tokens,
    upper_cost,
)
from spanledger._calls.answer import Answer
from spanledger._calls.attempts import Attempt, failure_of
from spanledger._calls.facts import Attributes
from spanledger._guard import guarded
from spanledger.budgets import budget, usd
from spanledger.errors import BudgetExceededError, ConfigurationError
from spanledger.rates import ModelRates

_log = logging.getLogger("spanledger")

#: Errors after which a request may have been read, and billed, by the provider.
_INTERRUPTED: Final = (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)
_MAX_TOLD: Final = 256

#: What a call sets aside: what it may cost at most; the same of one that may ask a client of ours,
#: which warns then, and is let through where its cost cannot be told; nothing.
Share = Literal["most", "first", "nothing"]


class _Own:
    """Rates that the user gave (model, or ``provider/model``), and models without any."""

    __slots__ = ("models", "told")

    def __init__(self) -> None:
        self.models: Mapping[str, ModelRates] = {}
        #: Those whose missing rates the log was told of.
        self.told: set[str] = set()


OWN: Final = _Own()


def ready() -> None:
    """Read the rate card now."""
    rates.shipped()


def use_rates(given: Mapping[str, Mapping[str, object]]) -> None:
    """Use these rates before those of the card.

    Raises:
        ConfigurationError: rates that cannot be used.
    """
    try:
        OWN.models = rates.own_rates(given)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


class Request(NamedTuple):
    """What a request asks for: a kind of call, its parameters, and attributes made of them."""

    operation: str
    prompt: tuple[str, ...]
    kwargs: Mapping[str, Any]
    asked: Mapping[str, Any]
    model: str

    @property
    def provider(self) -> str:
        """Who is asked."""
        return str(self.asked.get(semconv.PROVIDER_NAME, ""))


class _Upper(NamedTuple):
    """Atto-USD that a call may cost at most, and of it the input's.

    Attributes:
        total: all of it, as far as it is known.
        input: of it, the input's.
        told: False = it may be more, and nobody can tell how much.
    """

    total: int
    input: int
    told: bool = True


_UNKNOWN: Final = _Upper(0, 0, told=False)


class _Over(NamedTuple):
    """An account for which a call is too much, or of unknown cost."""

    budget: budget
    account: Account
    error: BudgetExceededError

    @property
    def refuses(self) -> bool:
        """Whether the user asked for the error."""
        unknown = self.error.wanted_usd is None and self.budget.on_unknown == "raise"
        return unknown or self.budget.mode == "raise"


def _interrupted(error: BaseException) -> bool:
    """Whether the provider may have read, and billed, a request that failed with this."""
    return isinstance(error, _INTERRUPTED) or failure_of(error) == "timeout"


def rates_of(provider: str, model: str) -> ModelRates | None:
    """The user's rates of a model, else those of the card; None = not known."""
    if OWN.models:
        name = model.strip().lower()
        found = OWN.models.get(f"{provider.lower()}/{name}") or OWN.models.get(name)
        if found is not None:
            return found
    return rates.shipped().of(provider, model)


class Hold:
    """What one call has reserved, and the accounts for which that is too much.

    Attributes:
        attributes: what the span tells of it; empty where the call is within its budgets.
        met: the last of the errors that a budget was asked about.
    """

    __slots__ = ("_over", "_request", "_reservation", "_upper", "attributes", "met")

    def __init__(
        self,
        request: Request,
        reservation: Reservation | None,
        upper: _Upper,
        over: Sequence[_Over],
    ) -> None:
        self._request = request
        self._reservation = reservation
        self._upper = upper
        self._over = over
        self.attributes: Attributes = {}
        self.met: BudgetExceededError | None = None

    def enforce(self) -> None:
        """Do what each budget is to do that this call is too much for.

        Raises:
            BudgetExceededError: a budget is to raise; before the functions of others are called.
            BaseException: what a function of the user raises.
        """
        for one in sorted(self._over, key=lambda one: not one.refuses):
            self.met = one.error
            self.attributes = _attributes(one.error, "refused")
            if one.refuses:
                raise one.error
            if callable(one.budget.mode):
                _decide(one)
            else:
                _warn_once(one)
            self.attributes[semconv.BUDGET_EXCEEDED] = "allowed"

    def release(self) -> None:
        """Give everything back: nothing was sent."""
        if self._reservation is not None:
            self._reservation.settle(0)

    def free(self) -> None:
        """Set nothing aside any longer: another call does, which is made for this one."""
        if self._reservation is not None:
            self._reservation.free()

    @guarded(None)
    def settle(
        self,
        answer: Answer,
        error: BaseException | None,
        source: str,
        attempts: Sequence[Attempt] = (),
    ) -> None:
        """Pay for the call, which has ended.

        Args:
            answer: with its usage, as far as it is known.
            error: what the call failed with.
            source: where the usage is from (``semconv.USAGE_SOURCE``).
            attempts: the HTTP requests of the client library, where they were seen.
        """
        if self._reservation is not None:
            cost = self._cost(answer, error, source, self._reservation.amount)
            lost = sum(attempt.failure == "timeout" for attempt in attempts)
            if error is not None and source == "missing" and _interrupted(error):
                lost = max(lost, 1)
            unknown = cost is None or not (self._upper.told or error or source != "missing")
            self._reservation.settle((cost or 0) + lost * self._upper.input, unknown=unknown)

    def _cost(
        self, answer: Answer, error: BaseException | None, source: str, reserved: int
    ) -> int | None:
        """Atto-USD; None = it cost something nobody can tell."""
        if source == "none":
            return 0
        if source != "missing":
            request = self._request
            known = rates_of(request.provider, answer.model) if answer.model else None
            return settled_cost(known or rates_of(request.provider, request.model), answer)
        if error is None:
            return reserved or None  # the answer comes later, or cannot be read: at most this
        return 0  # but see `settle`: what was sent may have been read


def take(
    request: Request,
    held: Sequence[Holding],
    here: Context,
    refuse: Callable[[Attributes, BaseException], object],
    *,
    share: Share = "most",
) -> Hold | None:
    """Reserve, and do what the budgets are to do that the call is too much for.

    Args:
        request: what is asked for.
        held: the budgets in force.
        here: the context it is made in.
        refuse: called with what there is to tell before anything is raised.
        share: what is reserved of it.

    Raises:
        BaseException: what a budget was asked to raise; nothing may be sent then.
    """
    hold = _hold(request, held, here, share)
    if hold is not None:
        try:
            hold.enforce()
        except BaseException as error:
            hold.release()
            refuse(hold.attributes, hold.met or error)  # whatever the user's function raised
            raise
    return hold


@guarded(None)
def _hold(request: Request, held: Sequence[Holding], here: Context, share: Share) -> Hold:
    """Reserve what a request may cost at most, on every budget that holds for it."""
    assumed = max(one.budget.assumed_output_tokens for one in held)
    upper = _Upper(0, 0) if share == "nothing" else _upper(request, assumed)
    whole = share == "most"
    budgets = [one.budget for one in held]
    accounts = [one.account or one.budget.account(key_of(one.budget, here)) for one in held]
    for one, account in zip(budgets, accounts, strict=True):
        if one.spent_usd is not None and not account.is_shared:
            ask_elsewhere(one, account)
    unknown = whole and not upper.told
    if unknown:
        _tell_unknown(request)
    reservation, over = reserve(
        accounts,
        upper.total,
        [one.mode == "raise" and share != "nothing" for one in budgets],
        [unknown and one.on_unknown == "raise" for one in budgets],
    )
    told = [_over(budgets[met.place], accounts[met.place], met, upper) for met in over]
    # Where a client of ours may be asked, it is for the client to warn and to ask.
    told = told if whole else [one for one in told if one.refuses and reservation is None]
    return Hold(request, reservation, upper, told)


def _upper(request: Request, assumed_output_tokens: int) -> _Upper:
    known = rates_of(request.provider, request.model)
    if known is None:
        return _UNKNOWN
    try:
        kwargs = opened(request.kwargs)
    except ValueError:  # a body that only its provider can read
        return _UNKNOWN
    given = input_tokens(request.prompt, kwargs, request.model)
    if given.tokens is None:
        return _UNKNOWN
    tier = str(request.asked.get(semconv.OPENAI_REQUEST_SERVICE_TIER, ""))
    if kwargs.get("speed") == "fast":
        tier = "fast"
    cost = upper_cost(
        known,
        request.operation,
        given.tokens,
        output_tokens(request.operation, request.asked, assumed_output_tokens, kwargs),
        cached=given.cached,
        tier=tier,
        media=given.media,
        kinds=kinds_made(kwargs),
    )
    return _UNKNOWN if cost is None else _Upper(*cost, told=given.told)


def _over(one: budget, account: Account, met: Over, upper: _Upper) -> _Over:
    error = BudgetExceededError(
        one.name,
        account.key,
        limit_usd=usd(account.limit),
        spent_usd=usd(met.spent),
        reserved_usd=usd(met.reserved),
        wanted_usd=usd(upper.total) if upper.told else None,
    )
    return _Over(one, account, error)


def _attributes(error: BudgetExceededError, action: str) -> Attributes:
    attributes: Attributes = {
        semconv.BUDGET_NAME: error.budget,
        semconv.BUDGET_EXCEEDED: action,
        semconv.BUDGET_LIMIT_USD: f"{error.limit_usd:f}",
        semconv.BUDGET_SPENT_USD: f"{error.spent_usd:f}",
        semconv.BUDGET_RESERVED_USD: f"{error.reserved_usd:f}",
    }
    if error.key:
        attributes[semconv.BUDGET_KEY] = error.key
    if error.wanted_usd is not None:
        attributes[semconv.BUDGET_WANTED_USD] = f"{error.wanted_usd:f}"
    return attributes


def _decide(over: _Over) -> None:
    """Let the user's function decide; of a call that it makes itself it is not asked again.

    Raises:
        BudgetExceededError: it answered with what would have to be awaited.
        BaseException: what it raises.
    """
    one = over.budget
    if not callable(one.mode) or one in deciding(otel_context.get_current()):
        return
    with decided_by(one):
        said = one.mode(over.error)
    if inspect.isawaitable(said):
        if inspect.iscoroutine(said):
            said.close()
        _log.warning(
            "budget %r: its function gave something to await, for which nobody waits: the call is "
            "refused. Give a plain function as mode",
            one.name,
        )
        raise over.error


def _warn_once(over: _Over) -> None:
    """Once an account and window: what goes on is counted all the same."""
    if not over.account.told:
        over.account.told = True
        _log.warning("%s. The call goes on: this budget only warns", over.error.summary)


def _tell_unknown(request: Request) -> None:
    name = f"{request.provider}/{request.model} ({request.operation})"
    if name in OWN.told or len(OWN.told) >= _MAX_TOLD:
        return
    OWN.told.add(name)
    _log.warning(
        "budgets cannot tell beforehand what a call of %s costs: nothing is reserved for what is "
        "not known. init(rates=...) gives rates to models that the rate card lacks; a file, a "
        "sound or a video in the request itself has a size, behind a URL or an id it has none",
        name,
    )
