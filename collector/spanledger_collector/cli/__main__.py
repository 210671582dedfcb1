"""``python -m spanledger_collector.cli``: the command line without its console script."""

from . import main

main()
