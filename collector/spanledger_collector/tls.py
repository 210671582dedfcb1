"""TLS of every port: certificate and key from files, clients with certificates where asked for.

Files that change are used for the next connection, without a restart; new ones that cannot be used
are told in the log once, and the ones before stay. The certificate authority of clients is read
when the collector starts.
"""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from spanledger_collector.errors import ConfigurationError

_LOG = logging.getLogger(__name__)


class Pem(NamedTuple):
    """What the files hold."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificates are, in PEM.

    Attributes:
        certificate: the server's, with the chain behind it.
        key: its private key, without a password.
        client_ca: who signs clients; None = clients need no certificate.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def read(self) -> Pem:
        """The files' bytes.

        Raises:
            ConfigurationError: one cannot be read.
        """
        try:
            ca = None if self.client_ca is None else self.client_ca.read_bytes()
            return Pem(self.certificate.read_bytes(), self.key.read_bytes(), ca)
        except OSError as error:
            raise ConfigurationError(
                f"TLS: {error.filename} cannot be read ({error.strerror})"
            ) from error

    def context(self) -> ssl.SSLContext:
        """For connections that are accepted from now on; TLS 1.2 or newer.

        Raises:
            ConfigurationError: the files do not fit together, or cannot be read.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.read()
        try:
            # Without this a key with a password would ask for it on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
            if self.client_ca is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(self.client_ca)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError(
                f"TLS: {self.certificate} and {self.key} cannot be used together, or are not PEM "
                "without a password"
            ) from error
        return context


class Tls:
    """TLS that follows its files.

    Args:
        files: where certificates are.

    Raises:
        ConfigurationError: they cannot be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._context = files.context()
        self._stamp = self._seen()
        self.pem = files.read()

    @property
    def asks_clients(self) -> bool:
        """Clients need a certificate."""
        return self.pem.client_ca is not None

    def for_server(self) -> ssl.SSLContext:
        """A context whose connections have the newest certificate."""
        outer = self._files.context()

        def newest(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            self.refresh()
            connection.context = self._context

        outer.sni_callback = newest
        return outer

    def refresh(self) -> None:
        """Read the files again if they changed."""
        stamp = self._seen()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            context, pem = self._files.context(), self._files.read()
        except ConfigurationError as error:
            _LOG.error("the certificates before stay in use: %s", error)
            return
        self._context, self.pem = context, pem
        _LOG.info("certificates read again from %s", self._files.certificate)

    def _seen(self) -> tuple[int, ...]:
        """Changes when a file does; one that is gone is 0."""
        stamp: list[int] = []
        for path in (self._files.certificate, self._files.key):
            try:
                found = path.stat()
            except OSError:
                stamp.append(0)
            else:
                stamp += [found.st_ino, found.st_mtime_ns, found.st_size]
        return tuple(stamp)
