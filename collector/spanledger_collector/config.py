"""The collector's settings: read once, at the edge, from ``SPANLEDGER_*`` variables or arguments.

Each field is one setting; its environment variable is ``SPANLEDGER_`` + the field's name in upper
case. A value out of range is refused with its name. Defaults are safe: everything listens on the
loopback address, and ad-hoc SQL is off.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from spanledger_collector.errors import ConfigurationError

MIB = 1024 * 1024
_LAST_PORT = 65_535


class CollectorConfig(BaseSettings):
    """Every setting of ``spanledger up``."""

    # An empty variable is as none: `${NAME:-}` of a compose file is one.
    model_config = SettingsConfigDict(
        env_prefix="SPANLEDGER_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    data_dir: Path = Field(
        default=Path(".spanledger"), description="Directory of the journal and the embedded ledger."
    )
    database: str = Field(
        default="",
        description="Where the ledger is: empty = embedded under data_dir; "
        "chdb:///path, or http(s)://user:password@host:port/database for a ClickHouse server.",
    )
    host: str = Field(default="127.0.0.1", description="Address every port listens on.")
    grpc_port: int = Field(ge=0, le=_LAST_PORT, default=4317, description="OTLP/gRPC port.")
    http_port: int = Field(
        ge=0, le=_LAST_PORT, default=4318, description="OTLP/HTTP port (protobuf and JSON)."
    )
    api_port: int = Field(ge=0, le=_LAST_PORT, default=4319, description="JSON/Arrow API port.")
    sql_port: int = Field(
        ge=-1,
        le=_LAST_PORT,
        default=0,
        description="ClickHouse-HTTP-compatible read-only SQL port; 0 = off, -1 = any free one. "
        "Listens on the loopback address only.",
    )
    keys_file: Path | None = Field(
        default=None,
        description="API keys, as `spanledger keys` keeps them; empty = keys.json in data_dir. "
        "Where it is, requests need a key.",
    )
    insecure: bool = Field(
        default=False,
        description="Listen on an address that other machines reach although there are no keys: "
        "whoever reaches it sends and reads.",
    )
    published_on: str = Field(
        default="",
        description="Of a container: the address of its machine that its ports are published on. "
        "On 127.0.0.1 no other machine reaches them, on another keys are needed. Empty = host.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names that pages, API and OTLP/HTTP are asked by (Host), divided by commas, "
        "without ports, beside localhost where that is listened on; empty = else any.",
    )
    tls_certificate: Path | None = Field(
        default=None,
        description="TLS on every port: the certificate with its chain (PEM); with tls_key.",
    )
    tls_key: Path | None = Field(
        default=None, description="Private key of tls_certificate (PEM, without a password)."
    )
    tls_client_ca: Path | None = Field(
        default=None, description="Clients need a certificate that this authority signed (PEM)."
    )
    redaction_file: Path | None = Field(
        default=None,
        description="Attributes that are dropped or hashed by name before they are stored (YAML).",
    )
    redaction_key: str = Field(
        default="",
        repr=False,
        description="Secret that hashes of redacted attributes are made with.",
    )
    cors_origins: str = Field(
        default="",
        description="Origins whose pages may send spans over OTLP/HTTP, separated by commas, such "
        "as https://app.example; * = any. Empty = none.",
    )
    http_path_prefix: str = Field(
        default="",
        pattern=r"^(?:/[A-Za-z0-9._~-]+)*$",
        description="OTLP/HTTP is taken below this path too, such as /telemetry: for a proxy that "
        "passes paths on as they are.",
    )
    max_request_bytes: int = Field(
        gt=0,
        default=64 * MIB,
        description="Largest OTLP/HTTP body, before and after decompression.",
    )
    max_grpc_message_bytes: int = Field(
        gt=0, default=4 * MIB, description="Largest OTLP/gRPC message, after decompression."
    )
    max_bytes_in_flight: int = Field(
        gt=0,
        default=256 * MIB,
        description="Bytes of requests received at once, a quarter a sender; above: 429.",
    )
    max_journal_bytes: int = Field(
        gt=0,
        default=8 * 1024 * MIB,
        description="Journal size at which requests are refused (429).",
    )
    load_linger_seconds: float = Field(
        ge=0, default=1.0, description="How long the loader waits to fill a batch."
    )
    load_batch_spans: int = Field(gt=0, default=20_000, description="Spans a batch holds at most.")
    settle_quiet_seconds: float = Field(
        ge=0, default=1.0, description="A trace is settled when no span arrived for this long."
    )
    prices_file: Path | None = Field(
        default=None,
        description="Your own prices and model aliases (YAML), laid over the shipped price book.",
    )
    providers: str = Field(
        default="",
        pattern=r"^(?:\s*[^\s=,]+=[^\s=,]+\s*(?:,|$))*$",
        description="Who bills at hosts of your own: host=provider or host:port=provider, divided "
        "by commas, such as 10.0.0.5:8000=vllm,llm.corp.example=openai.",
    )
    value_file: Path | None = Field(
        default=None,
        description="What runs are worth where no amount was recorded (YAML; see docs/value.md).",
    )
    evaluations_file: Path | None = Field(
        default=None,
        description="From which score on an evaluation calls an answer wrong (YAML; see "
        "docs/records.md).",
    )
    gpu_file: Path | None = Field(
        default=None,
        description="GPUs of your own and the calls that they serve (YAML; see docs/gpu.md).",
    )
    engines_file: Path | None = Field(
        default=None,
        description="Inference engines whose /metrics are asked (YAML; see docs/gpu.md).",
    )
    price_book: Path | None = Field(
        default=None,
        description="A book made by `spanledger prices update`, instead of the shipped one.",
    )
    price_book_max_age_days: int = Field(
        gt=0,
        default=45,
        description="Days without a change after which the price book is called old, in the log "
        "and by the metrics.",
    )
    alerts_file: Path | None = Field(
        default=None, description="Budgets and alert rules (YAML); none are watched without it."
    )
    alert_interval_seconds: float = Field(
        gt=0, default=30.0, description="Between two looks at budgets and alerts, at least."
    )
    webhook_secret: str = Field(
        default="", repr=False, description="Signs what is sent to the webhook of the alerts."
    )
    verify_interval_seconds: float = Field(
        ge=0,
        default=3600.0,
        description="Between two looks whether all that was loaded is still there; 0 = none.",
    )
    max_query_seconds: int = Field(gt=0, default=30, description="Longest a read query may run.")
    max_query_memory_bytes: int = Field(
        gt=0, default=1024 * MIB, description="Memory a read query may use."
    )
    max_answer_bytes: int = Field(
        gt=0,
        default=64 * MIB,
        description="Largest answer of a read over the API or the pages, as the database holds it; "
        "above: 413. Four times as much may wait to be sent; above: 503.",
    )

    def database_dsn(self) -> str:
        """The address of the ledger: the given one, or embedded under ``data_dir``."""
        return self.database or f"chdb://{(self.data_dir / 'ledger').resolve()}"

    def redacted_dsn(self) -> str:
        """The address without user name and password, for logs and screens."""
        # Up to the last @: a password may hold one.
        return re.sub(r"^(https?://).*@", r"\1", self.database_dsn())

    def keys_path(self) -> Path:
        """Where the API keys are."""
        return self.keys_file or self.data_dir / "keys.json"

    def journal_dir(self) -> Path:
        """Where acknowledged requests are kept until they are loaded."""
        return self.data_dir / "journal"


def settings(given: Mapping[str, Any]) -> CollectorConfig:
    """What is given over the environment's variables over the defaults.

    Raises:
        ConfigurationError: a value is out of its range, or none of its kind.
    """
    try:
        return CollectorConfig(**given)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}, not {one['input']!r}"
            for one in error.errors()
        )
        raise ConfigurationError(
            f"settings that cannot be used: {wrong} (each is an option of `spanledger up` or a "
            "SPANLEDGER_* variable)"
        ) from error
