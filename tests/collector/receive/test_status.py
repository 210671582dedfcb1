"""The one map from errors to answers."""

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import RetryInfo

from spanledger_collector import errors
from spanledger_collector.receive.status import (
    MethodNotAllowedError,
    SlowClientError,
    grpc_trailers,
    http_headers,
    refusal,
    status,
    status_json,
)

_RETRIED_BY_SENDERS = {429, 502, 503, 504}


def _kinds(base: type[Exception]) -> dict[str, type[Exception]]:
    """An error and all below it, by name; sorted, so that parallel runs agree on the order."""
    kinds = {base.__name__: base}
    for kind in base.__subclasses__():
        kinds |= _kinds(kind)
    return dict(sorted(kinds.items()))


@pytest.mark.parametrize("kind", _kinds(errors.CollectorError).values())
def test_senders_retry_exactly_what_may_succeed_later(kind: type[Exception]) -> None:
    """Every error of the tree, also those added later."""
    error = kind("why")
    passing = isinstance(error, errors.RetryableError)
    answer = refusal(error)
    assert (answer.http_status in _RETRIED_BY_SENDERS) == passing
    assert (answer.grpc_code is grpc.StatusCode.UNAVAILABLE) == passing
    assert (b"retry-after" in dict(http_headers(error))) == passing
    assert ("google.rpc.retryinfo-bin" in dict(grpc_trailers(error))) == passing


def test_the_wait_is_short_enough_for_stock_exporters() -> None:
    error = errors.OverloadedError("busy")
    trailer = dict(grpc_trailers(error))["google.rpc.retryinfo-bin"]
    assert RetryInfo.FromString(trailer).retry_delay.seconds == 1
    assert dict(http_headers(error))[b"retry-after"] == b"1"


@pytest.mark.parametrize(
    ("error", "http_status", "code"),
    [
        (errors.MalformedError("m"), 400, 3),
        (errors.UnauthenticatedError("m"), 401, 16),
        (errors.NotFoundError("m"), 404, 5),
        (MethodNotAllowedError("m"), 405, 12),
        (SlowClientError("m"), 408, 4),
        (errors.TooLargeError("m"), 413, 8),
        (errors.UnsupportedError("m"), 415, 12),
        (errors.OverloadedError("m"), 429, 14),
        (errors.JournalUnavailableError("m"), 503, 14),
        (ValueError("secret"), 500, 13),
    ],
)
def test_codes(error: Exception, http_status: int, code: int) -> None:
    assert refusal(error).http_status == http_status
    assert status(error).code == code


@pytest.mark.parametrize("kind", [errors.MalformedError, errors.OverloadedError, ValueError])
def test_both_forms_of_the_status_say_the_same(kind: type[Exception]) -> None:
    assert MessageToDict(status(kind("text"))) == status_json(kind("text"))


def test_details_of_unexpected_errors_stay_inside() -> None:
    assert "secret" not in str(status(ValueError("secret")))
