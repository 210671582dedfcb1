"""``spanledger health``: is the collector of these settings ready?"""

import typer

from .options import Json
from .probe import probe


def health(as_json: Json = False) -> None:
    """Whether the collector that these settings start is ready: for health checks.

    Asked is the address that the SPANLEDGER_* variables say, with TLS where they have a certificate
    (this very one has to be shown). Ends with 0 when the ledger is open, with 3 when it is not or
    nobody answers. `spanledger doctor` asks any collector, by its address.

    Example: spanledger health --json
    """
    raise typer.Exit(probe(as_json=as_json))
