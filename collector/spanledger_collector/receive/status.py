"""The one map from errors to answers: gRPC code, HTTP status, retry hints, ``google.rpc.Status``.

Which codes a sender retries is fixed by the OTLP specification: UNAVAILABLE, 429, 502, 503 and 504
are, RESOURCE_EXHAUSTED only with RetryInfo, INTERNAL and 500 never. So a passing fault must be one
of the former, and a request that will never fit must not be.
"""

from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from spanledger_collector.errors import (
    CollectorError,
    ForbiddenError,
    JournalUnavailableError,
    MalformedError,
    NotFoundError,
    OverloadedError,
    PermanentError,
    RefusedQueryError,
    RetryableError,
    TooLargeError,
    TooManyWrongKeysError,
    UnauthenticatedError,
    UnsupportedError,
)


class MethodNotAllowedError(UnsupportedError):
    """An HTTP method other than POST on an OTLP path."""


class SlowClientError(PermanentError):
    """The body did not arrive in time."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one kind of error is told.

    Attributes:
        outcome: label of the counter.
        grpc_code: gRPC status.
        http_status: HTTP status.
        http_headers: headers this status needs.
    """

    outcome: str
    grpc_code: grpc.StatusCode
    http_status: int
    http_headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def number(self) -> int:
        """The code of ``google.rpc.Status``."""
        return int(self.grpc_code.value[0])


_INTERNAL = Refusal("internal", grpc.StatusCode.INTERNAL, 500)
_REFUSALS: dict[type[BaseException], Refusal] = {
    MalformedError: Refusal("malformed", grpc.StatusCode.INVALID_ARGUMENT, 400),
    TooLargeError: Refusal("too_large", grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    UnsupportedError: Refusal("unsupported", grpc.StatusCode.UNIMPLEMENTED, 415),
    MethodNotAllowedError: Refusal(
        "method_not_allowed", grpc.StatusCode.UNIMPLEMENTED, 405, ((b"allow", b"POST"),)
    ),
    SlowClientError: Refusal("slow_client", grpc.StatusCode.DEADLINE_EXCEEDED, 408),
    UnauthenticatedError: Refusal(
        "unauthenticated",
        grpc.StatusCode.UNAUTHENTICATED,
        401,
        ((b"www-authenticate", b"Bearer"),),
    ),
    ForbiddenError: Refusal("forbidden", grpc.StatusCode.PERMISSION_DENIED, 403),
    RefusedQueryError: Refusal("forbidden", grpc.StatusCode.PERMISSION_DENIED, 403),
    NotFoundError: Refusal("not_found", grpc.StatusCode.NOT_FOUND, 404),
    OverloadedError: Refusal("overloaded", grpc.StatusCode.UNAVAILABLE, 429),
    TooManyWrongKeysError: Refusal("too_many_wrong_keys", grpc.StatusCode.UNAVAILABLE, 429),
    JournalUnavailableError: Refusal("journal_unavailable", grpc.StatusCode.UNAVAILABLE, 503),
    RetryableError: Refusal("unavailable", grpc.StatusCode.UNAVAILABLE, 503),
    PermanentError: Refusal("refused", grpc.StatusCode.INVALID_ARGUMENT, 400),
}


def refusal(error: BaseException) -> Refusal:
    """How to tell this error; anything that is not a CollectorError is INTERNAL."""
    for kind in type(error).__mro__:
        if kind in _REFUSALS:
            return _REFUSALS[kind]
    return _INTERNAL


def message(error: BaseException) -> str:
    """The text for the sender; details of unexpected errors stay in the log."""
    if isinstance(error, CollectorError):
        return str(error)
    return "The collector failed on this request; its log says why. Nothing was stored."


def status(error: BaseException) -> Status:
    """The standard error body, with BadRequest or RetryInfo where they apply."""
    answer = Status(code=refusal(error).number, message=message(error))
    if isinstance(error, MalformedError):
        violation = BadRequest.FieldViolation(field="body", description=message(error))
        answer.details.add().Pack(BadRequest(field_violations=[violation]))
    if isinstance(error, RetryableError):
        answer.details.add().Pack(_retry_info(error))
    return answer


def status_json(error: BaseException) -> dict[str, object]:
    """The same as :func:`status`, as JSON."""
    details: list[dict[str, object]] = []
    if isinstance(error, MalformedError):
        details.append(
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": "body", "description": message(error)}],
            }
        )
    if isinstance(error, RetryableError):
        details.append(
            {
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": f"{error.retry_after_seconds}s",
            }
        )
    body: dict[str, object] = {"code": refusal(error).number, "message": message(error)}
    return {**body, "details": details} if details else body


def http_headers(error: BaseException) -> list[tuple[bytes, bytes]]:
    """Headers that belong to the error's HTTP status."""
    headers = list(refusal(error).http_headers)
    if isinstance(error, RetryableError):
        headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
    return headers


def grpc_trailers(error: BaseException) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata of a gRPC refusal.

    RetryInfo is sent twice: inside the status, as the specification says, and under the key the
    Python exporter reads.
    """
    trailers = [("grpc-status-details-bin", status(error).SerializeToString())]
    if isinstance(error, RetryableError):
        trailers.append(("google.rpc.retryinfo-bin", _retry_info(error).SerializeToString()))
    return tuple(trailers)


def _retry_info(error: RetryableError) -> RetryInfo:
    return RetryInfo(retry_delay=Duration(seconds=error.retry_after_seconds))
