"""Settings: arguments first, environment second, defaults last."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger import config
from spanledger.config import Settings
from spanledger.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "SPANLEDGER_")):
            monkeypatch.delenv(name)


def test_defaults() -> None:
    """Without anything: HTTP to this machine."""
    settings = Settings.read()
    assert settings.endpoint == "http://localhost:4318/v1/traces"
    assert settings.protocol == "http/protobuf"
    assert settings.exporters == ("otlp",)
    assert (settings.queue_size, settings.batch_size) == (16_384, 512)
    assert (settings.timeout_seconds, settings.schedule_delay_seconds) == (10, 1)
    assert (settings.compression, settings.tenant, settings.service_name) == ("none", "", None)


@pytest.mark.parametrize(
    ("argument", "environment", "expected"),
    [
        ("http://a:1", {}, "http://a:1/v1/traces"),
        ("http://a:1/", {}, "http://a:1/v1/traces"),
        ("https://a/otlp", {}, "https://a/otlp/v1/traces"),
        ("http://a:1/v1/traces", {}, "http://a:1/v1/traces"),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:2"}, "http://b:2/v1/traces"),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:3/x"}, "http://c:3/x"),
        (
            "http://a:1",
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/x"},
            "http://a:1/v1/traces",
        ),
    ],
)
def test_http_endpoint(
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    environment: dict[str, str],
    expected: str,
) -> None:
    """A base URL gets the path, a URL for traces is used as it is, the argument wins."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings.read(endpoint=argument).endpoint == expected


def test_grpc_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """GRPC has its own default port and no path."""
    assert Settings.read(protocol="grpc").endpoint == "http://localhost:4317"
    assert Settings.read(protocol="grpc", endpoint="host:4317").endpoint == "host:4317"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")
    assert Settings.read(endpoint="http://a:1").endpoint == "http://a:1"


def test_headers_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers of the argument are added to those of the environment, and win; never printed."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=1,B=two%20words")
    settings = Settings.read(headers={"A": "secret"})
    assert settings.headers == {"a": "secret", "b": "two words"}
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("value", ["abc", "-1", "0", "nan", "inf"])
def test_a_bad_number_is_the_default_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    """A number that cannot be used is a warning, as the specification asks."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", value)
    assert Settings.read().queue_size == 16_384
    assert f"OTEL_BSP_MAX_QUEUE_SIZE={value!r}" in caplog.text


def test_numbers_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Milliseconds for OTEL_BSP_*, seconds for the OTLP timeout; the smaller timeout counts."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "250")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7.5")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    settings = Settings.read()
    assert (settings.schedule_delay_seconds, settings.timeout_seconds) == (0.25, 7.5)
    assert settings.batch_size == 50
    monkeypatch.setenv("OTEL_BSP_EXPORT_TIMEOUT", "2000")
    assert Settings.read().timeout_seconds == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"protocol": "http/json"}, "http/json"),
        ({"endpoint": "ftp://x"}, "ftp://x"),
        ({"endpoint": "http://"}, "http://"),
        ({"endpoint": "http://[::1"}, "is not a URL"),
        ({"compression": "deflate", "protocol": "grpc"}, "deflate"),
        ({"exporter": "jaeger"}, "jaeger"),
    ],
)
def test_what_cannot_be_used(arguments: dict[str, str], says: str) -> None:
    """The error names the value and what is allowed."""
    with pytest.raises(ConfigurationError, match=says.replace("[", r"\[")):
        Settings.read(
            protocol=arguments.get("protocol"),
            endpoint=arguments.get("endpoint"),
            compression=arguments.get("compression"),
            exporter=arguments.get("exporter"),
        )


def test_exporters() -> None:
    """Several exporters keep their order; none is none."""
    assert Settings.read(exporter="console, otlp,otlp").exporters == ("console", "otlp")
    assert Settings.read(exporter=["none"]).exporters == ()


@given(endpoint=st.text(min_size=1), protocol=st.sampled_from(["grpc", "http/protobuf"]))
def test_any_endpoint_is_used_or_refused(endpoint: str, protocol: str) -> None:
    """Whatever stands in the setting, the answer is settings or a ConfigurationError."""
    try:
        settings = Settings.read(endpoint=endpoint, protocol=protocol)
    except ConfigurationError:
        return
    assert settings.endpoint.startswith(endpoint.rstrip("/")[:1])


def test_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SDK_DISABLED counts when it says true, in any case of letters."""
    assert not config.disabled()
    monkeypatch.setenv("OTEL_SDK_DISABLED", " TRUE ")
    assert config.disabled()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "1")
    assert not config.disabled()
