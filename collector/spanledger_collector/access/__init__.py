"""Who may do what: API keys and the identities behind them.

A key belongs to one workspace, from the key alone, never from a payload or a parameter. Only its
SHA-256 is stored; the key is shown once, when it is made.
"""

from .identity import Authenticate, Identity, Permission, anonymous, api_key
from .keyfile import KeyFile, KeyRecord
from .keyring import Keyring
from .wrong_keys import WrongKeys, source

__all__ = [
    "Authenticate",
    "Identity",
    "KeyFile",
    "KeyRecord",
    "Keyring",
    "Permission",
    "WrongKeys",
    "anonymous",
    "api_key",
    "source",
]
