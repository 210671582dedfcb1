"""The errors a user of the SDK can meet.

    SpanledgerError
    ├── ConfigurationError (ValueError)   a setting that cannot be used; never leaves ``init``
    └── UsageError (TypeError)            a decorator on something that cannot be measured

Telemetry never raises into a running call. The one error that reaches the application is
:class:`UsageError`, at decoration time, the first time the module is imported.
"""


class SpanledgerError(Exception):
    """Base of every error of the SDK."""


class ConfigurationError(SpanledgerError, ValueError):
    """A setting that cannot be used; ``init`` turns it into one warning and stays off."""


class UsageError(SpanledgerError, TypeError):
    """A decorator was put on an object that is neither a function nor a method."""
