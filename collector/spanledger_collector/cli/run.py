"""``spanledger run -- COMMAND``: run a program with instrumentation and no change to its code."""

from collections.abc import Sequence
from typing import NoReturn

from spanledger._launch import launch


def run_program(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the command, with spanledger loaded into it at start."""
    launch(arguments)


def run(command: list[str]) -> None:
    """Run a program with its LLM clients instrumented, without changing its code.

    Example: spanledger run -- python app.py
    """
    run_program(command)
