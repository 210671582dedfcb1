"""The command line ``spanledger``: one verb a file, the same against every kind of ledger.

Exit codes: 0 done; 1 not found, refused or bad input; 2 wrong usage, a setting or an address that
cannot work, missing packages; 3 the ledger cannot be reached for now; 130 interrupted. ``run``
exits as its program does.
"""

import sys
from collections.abc import Sequence

_HELP = ("--help", "-h")
_OURS = ("spanledger", "spanledger_collector")
_NEEDS_COLLECTOR = """\
spanledger: this command needs the collector's packages ({missing} is not installed).
Install them with:  pip install 'spanledger[collector]'
(`spanledger run -- COMMAND` works without them.)
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the console script.

    ``run`` is dispatched before anything heavy is imported: it has to work with the SDK alone and
    to add no time to the program it starts. So is ``health``, which containers run all the time.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["run"] and not set(arguments[1:2]) & set(_HELP):
        from .run import run_program

        run_program(arguments[1:])
    try:
        if arguments[:1] == ["health"] and set(arguments[1:]) <= {"--json"}:
            from .probe import probe

            sys.exit(probe(as_json=len(arguments) > 1))
        from .app import execute
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _OURS:
            raise
        sys.stderr.write(_NEEDS_COLLECTOR.format(missing=error.name))
        sys.exit(2)
    sys.exit(execute(arguments))
