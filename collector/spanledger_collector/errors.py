"""What can go wrong in the collector, as one tree.

::

    CollectorError
    ├── RetryableError          passing: the same request may succeed later
    │   ├── OverloadedError         a budget (bytes in flight, journal size) is used up
    │   ├── TooManyWrongKeysError   an address tries key after key
    │   ├── JournalUnavailableError the journal cannot be written (disk full, I/O error)
    │   └── StoreUnavailableError   ClickHouse does not answer
    └── PermanentError          the same input will fail again
        ├── MalformedError          not decodable as OTLP
        ├── TooLargeError           over a size limit
        ├── UnsupportedError        content type, encoding or method we do not speak
        ├── UnauthenticatedError    no key, or (WrongKeyError) an unknown or revoked one
        ├── ForbiddenError          a key that does not allow this
        ├── NotFoundError           no such trace, run, path or named query
        ├── RefusedQueryError       ad-hoc SQL outside the allowed subset
        └── ConfigurationError      a setting that cannot work

Messages say what happened, to which input, and what to do. ``receive/status.py`` alone maps the
tree to gRPC and HTTP codes for OTLP; ``serve`` maps it for the API.
"""


class CollectorError(Exception):
    """Base of every error the collector raises on purpose.

    Attributes:
        clickhouse_code: of the answer, where ClickHouse answered with an error. None where nothing
            did: a statement may have been run then, or still be running.
        out_of_memory: ClickHouse had not enough memory: less at once may do.
    """

    clickhouse_code: int | None = None
    out_of_memory: bool = False


class RetryableError(CollectorError):
    """A passing fault: the sender should try again.

    Attributes:
        retry_after_seconds: how long the sender should wait. Kept at 1: stock exporters give up
            when the asked wait exceeds what is left of their 10 s.
    """

    retry_after_seconds: int = 1


class OverloadedError(RetryableError):
    """A budget (bytes in flight, journal size) is used up."""


class TooManyWrongKeysError(RetryableError):
    """An address sends wrong API keys, many a second."""


class JournalUnavailableError(RetryableError):
    """The journal cannot be written: disk full or I/O error."""


class StoreUnavailableError(RetryableError):
    """ClickHouse does not answer or refuses for now."""


class PermanentError(CollectorError):
    """The same input will fail again; retrying is useless."""


class MalformedError(PermanentError):
    """The bytes are not a decodable OTLP request."""


class TooLargeError(PermanentError):
    """A request, or the answer to it, is over a size limit."""


class UnsupportedError(PermanentError):
    """A content type, content encoding or method that is not spoken here."""


class UnauthenticatedError(PermanentError):
    """No API key, or one that is not known."""


class WrongKeyError(UnauthenticatedError):
    """An API key that is not known, or was revoked."""


class ForbiddenError(PermanentError):
    """The API key is known and does not allow this."""


class NotFoundError(PermanentError):
    """No such trace, run, path or named query."""


class RefusedQueryError(PermanentError):
    """Ad-hoc SQL outside the subset that is safe to run on the embedded engine."""


class ConfigurationError(PermanentError):
    """A setting that cannot work."""
