"""Is the collector of these settings ready? Asked every few seconds, so little is imported."""

import http.client
import json
import os
import ssl
import sys
from dataclasses import dataclass
from typing import Any

from spanledger_collector.config import CollectorConfig, settings
from spanledger_collector.errors import ConfigurationError, StoreUnavailableError

_TIMEOUT_SECONDS = 5.0
_OK, _UNAVAILABLE = 200, 503
#: What is listened on -> where this machine reaches it.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared
_CANNOT_BE_USED, _NOT_NOW = 2, 3


@dataclass(frozen=True, slots=True)
class Told:
    """What a collector says of itself.

    Attributes:
        address: where it was asked.
        health: its answer; key ``ready`` is a bool.
    """

    address: str
    health: dict[str, Any]


def ask(config: CollectorConfig) -> Told:
    """Ask the collector that runs on this machine with these settings (``/readyz``).

    Args:
        config: as the collector has them. With TLS its certificate has to be the one of the
            settings, whatever name is in it.

    Raises:
        ConfigurationError: settings say no port, or a certificate that cannot be used.
        StoreUnavailableError: nobody answers there, or not as a collector.
    """
    if config.api_port == 0:
        raise ConfigurationError("SPANLEDGER_API_PORT is 0, any free port: say which one it is")
    host = _EVERYWHERE.get(config.host, config.host)
    tls = _tls(config)
    shown = f"[{host}]" if ":" in host else host
    address = f"{'https' if tls else 'http'}://{shown}:{config.api_port}"
    status, body = _exchange(config, host, tls, address)
    if status not in (_OK, _UNAVAILABLE):
        raise StoreUnavailableError(f"no collector is at {address}: it answers {status}")
    try:
        health = json.loads(body)
        return Told(address, {**health, "ready": status == _OK and bool(health["ready"])})
    except (ValueError, TypeError, KeyError):
        raise StoreUnavailableError(f"no collector is at {address}: it answers {status}") from None


def _exchange(
    config: CollectorConfig, host: str, tls: ssl.SSLContext | None, address: str
) -> tuple[int, bytes]:
    """Status and body of the answer; no proxy is asked."""
    if tls is None:
        connection = http.client.HTTPConnection(host, config.api_port, timeout=_TIMEOUT_SECONDS)
    else:
        connection = http.client.HTTPSConnection(
            host, config.api_port, timeout=_TIMEOUT_SECONDS, context=tls
        )
    # The whole account is told to who asks by a name of the collector.
    name = config.allowed_hosts.split(",")[0].strip() or "localhost"
    try:
        connection.request("GET", "/readyz", headers={"Host": f"[{name}]" if ":" in name else name})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        hint = ""
        if config.tls_client_ca:
            hint = "; clients need a certificate: SPANLEDGER_CLIENT_CERTIFICATE and ..._KEY"
        raise StoreUnavailableError(f"no collector answers at {address} ({error}){hint}") from error
    finally:
        connection.close()


def _tls(config: CollectorConfig) -> ssl.SSLContext | None:
    """Trusts the collector's own certificate and nothing else; None = no TLS."""
    certificate = config.tls_certificate
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # It is in the name by which others ask, and it may be signed by an authority that is not here.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(certificate)
        if config.tls_client_ca:
            named = os.environ.get("SPANLEDGER_CLIENT_CERTIFICATE")
            key = os.environ.get("SPANLEDGER_CLIENT_KEY") or None
            # Else its own, which is enough where one authority signs all.
            context.load_cert_chain(named or certificate, key if named else config.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"a certificate of the settings cannot be used: {error}"
        ) from error
    return context


def probe(*, as_json: bool) -> int:
    """Tell whether the collector is ready.

    Returns:
        The exit code: 0 ready, 3 not ready or no answer, 2 settings that cannot be used.
    """
    try:
        told = ask(settings({}))
    except ConfigurationError as error:
        return _failed(str(error), _CANNOT_BE_USED)
    except StoreUnavailableError as error:
        return _failed(str(error), _NOT_NOW)
    if as_json:
        answer = json.dumps({"address": told.address, **told.health}, indent=2)
        sys.stdout.write(answer + "\n")
    elif told.health["ready"]:
        sys.stdout.write(f"ready  {told.address}\n")
    if told.health["ready"]:
        return 0
    why = "; ".join(told.health.get("reasons", ())) or "it does not say why"
    return _failed(f"the collector at {told.address} is not ready: {why}", _NOT_NOW)


def _failed(message: str, code: int) -> int:
    sys.stderr.write(f"spanledger: {message}\n")
    return code
