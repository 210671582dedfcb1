"""Zero-code instrumentation: ``spanledger run -- python app.py``.

The command is executed in place of this process, with the folder ``_autoload`` first on
``PYTHONPATH``. Python imports the ``sitecustomize`` there before the program; it calls ``init()``
and then the ``sitecustomize`` that would have been found without us. Child processes inherit both
variables. An interpreter that ignores the environment (``python -I``, ``-E``) stays unmeasured.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from spanledger.config import SPANLEDGER_AUTO

AUTOLOAD_FOLDER: Final = Path(__file__).parent / "_autoload"

#: Exit codes of a POSIX shell for the same failures.
_EXIT_USAGE: Final = 2
_EXIT_NOT_EXECUTABLE: Final = 126
_EXIT_NOT_FOUND: Final = 127


def environment(present: Mapping[str, str]) -> dict[str, str]:
    """The environment of the child: this one, with telemetry switched on."""
    paths = [path for path in present.get("PYTHONPATH", "").split(os.pathsep) if path]
    ours = str(AUTOLOAD_FOLDER)
    joined = os.pathsep.join([ours, *(path for path in paths if path != ours)])
    return {**present, "PYTHONPATH": joined, SPANLEDGER_AUTO: "1"}


def launch(argv: Sequence[str]) -> NoReturn:
    """Replace this process by the command, instrumented.

    Args:
        argv: The command and its arguments; a leading ``--`` is skipped.

    Raises:
        SystemExit: the command could not be started: 2 without a command, 126 if it may not be
            executed, 127 if it was not found; the reason is on stderr.
    """
    command = list(argv[1:] if argv and argv[0] == "--" else argv)
    if not command:
        _stop("no command: spanledger run -- python app.py", _EXIT_USAGE)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command[0], command, environment(os.environ))  # noqa: S606 -- running it is the job
    except (FileNotFoundError, NotADirectoryError):
        _stop(f"command not found: {command[0]}", _EXIT_NOT_FOUND)
    except OSError as error:
        _stop(f"cannot execute {command[0]}: {error.strerror}", _EXIT_NOT_EXECUTABLE)


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"spanledger run: {message}\n")
    raise SystemExit(code)
