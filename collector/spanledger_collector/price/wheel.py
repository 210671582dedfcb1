"""A wheel of ``genai-prices`` given to the update command: checked, then read before the installed.

Its data are Python, so reading them is running them: it is for the operator to know where the file
is from. Nothing is installed.
"""

import sys
import zipfile
import zlib
from email.parser import BytesHeaderParser
from pathlib import Path

from spanledger_collector.errors import ConfigurationError

_PACKAGE = "genai-prices"
_DATA = "genai_prices/data.py"


def read_first(wheel: Path) -> str:
    """From now on the package is imported out of this file.

    Returns:
        The version the wheel says it is.

    Raises:
        ConfigurationError: there is no such file, or it is something else than a wheel of the
            package.
    """
    if not wheel.is_file():
        raise ConfigurationError(f"there is no file {wheel}; give a wheel of {_PACKAGE}")
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
            headers = BytesHeaderParser().parsebytes(archive.read(metadata))
            damaged = archive.testzip()
    except zlib.error as error:
        raise _no_wheel(wheel, f"it is damaged: {error}") from error
    except (OSError, StopIteration, zipfile.BadZipFile) as error:
        raise _no_wheel(wheel, str(error) or "it has no METADATA") from error
    name, version = str(headers["Name"]), str(headers["Version"])
    if name.lower().replace("_", "-") != _PACKAGE or _DATA not in names:
        raise _no_wheel(wheel, f"it is {name} {version}")
    if damaged:
        raise _no_wheel(wheel, f"it is damaged: {damaged}")
    sys.path.insert(0, str(wheel))
    return version


def _no_wheel(wheel: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{wheel} is no wheel of {_PACKAGE} ({why}); get one: pip download --no-deps {_PACKAGE}"
    )
