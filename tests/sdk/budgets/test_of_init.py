"""Budgets given to ``init``, in child processes with a real client and a simulated provider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.interpreter import run

from spanledger_collector.demo.provider import Answer, Provider

_PROGRAM = """
    import os, openai, spanledger
    tenants = spanledger.budget("0.10", per="tenant", name="tenants", mode="raise")
    runs = spanledger.budget("0.05", per="run", name="runs", mode="raise")
    spanledger.init(
        budgets=[tenants, runs], rates={"cent": {"input": 0, "output": 10_000}},
        tenant="acme", instrument=["openai"], exporter="none",
    )
    client = openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="made-up")
    def ask(model, tokens):
        messages = [{"role": "user", "content": "hi"}]
        try:
            client.chat.completions.create(model=model, messages=messages, max_tokens=tokens)
        except spanledger.BudgetExceededError as error:
            print(error.budget, error.key == spanledger.current_run_id() or error.key)
    for _ in range(2):
        with spanledger.agent("a"):
            ask("cent", 4)
            ask("filed", 4)  # its run has spent 2
    with spanledger.context(tenant="other"):
        ask("cent", 5)
    ask("cent", 5)
    print(tenants.state("acme").spent_usd, tenants.state("other").spent_usd)
    spanledger.shutdown()
    ask("cent", 10_000)  # a limit ends with init's work
"""


def test_they_hold_for_the_process_with_the_rates_of_argument_and_file(tmp_path: Path) -> None:
    """The argument's rates win; a call of no tenant is the process's; each run has its own."""
    rates = tmp_path / "rates.json"
    free = {"input": 0, "output": 0}
    rates.write_text(json.dumps({"filed": {"input": 0, "output": 10_000}, "cent": free}))
    with Provider(default=lambda _request: Answer(text="x", output_tokens=2)) as provider:
        environment = {"PROVIDER": provider.openai_url, "SPANLEDGER_RATES": str(rates)}
        finished = run(_PROGRAM, environment)
        sent = len(provider.requests)
    assert finished.stdout.splitlines() == ["runs True"] * 2 + ["0.06 0.02"]
    assert finished.stderr == ""
    assert sent == 5


def test_the_first_that_has_budgets_decides() -> None:
    """Those of the program hold under a launcher, which calls ``init`` before it; once."""
    finished = run(
        """
        import logging, spanledger
        logging.basicConfig()
        spanledger.init()
        one, two = spanledger.budget(1), spanledger.budget(2)
        for _ in range(2):
            spanledger.init(budgets=[one])
        print(spanledger._budgets.in_force.PROCESS.budgets == (one,))
        spanledger.init(budgets=[two])
        """,
        {"OTEL_TRACES_EXPORTER": "none"},
    )
    assert finished.stdout == "True\n"
    different, unenforced = finished.stderr.splitlines()
    assert "other values of budgets" in different
    assert "1 budgets are not in force" in unenforced


def test_what_is_no_budget_is_left_out_and_a_single_one_holds() -> None:
    """Nothing that ``init`` is given takes the good budgets with it, and it never raises."""
    finished = run(
        """
        import logging, spanledger
        logging.basicConfig(format="%(message)s")
        good = spanledger.budget(0, mode="raise", name="good")
        process = spanledger._budgets.in_force.PROCESS
        for given in ([good, 0.5], good, [good, [good]], iter([good]), "0.5", 0.5, None, ()):
            spanledger.init(exporter="none", budgets=given)
            print(process.budgets == (good,), len(process.budgets))
            spanledger.shutdown()
        """
    )
    assert finished.stdout.splitlines() == ["True 1"] * 4 + ["False 0"] * 4
    told = finished.stderr.splitlines()
    assert ["init(budgets=...)" in line for line in told] == [True] * 4
    assert [line.count("0.5") for line in told] == [1, 0, 1, 1]


@pytest.mark.parametrize(
    "given", ["instrument=False", "exporter='nowhere'", "rates={'mine': {}}", ""]
)
def test_budgets_that_are_not_in_force_are_told(given: str) -> None:
    """A limit that nobody holds has to be known of; also where telemetry is switched off."""
    finished = run(
        f"""
        import logging, spanledger
        logging.basicConfig()
        spanledger.init(**{{"exporter": "none", **dict({given})}}, budgets=[spanledger.budget(1)])
        """,
        {} if given else {"OTEL_SDK_DISABLED": "true"},
    )
    assert "1 budgets are not in force" in finished.stderr


def test_a_budget_that_is_entered_before_init_says_so_once() -> None:
    finished = run(
        """
        import logging, spanledger
        logging.basicConfig()
        @spanledger.agent(budget=spanledger.budget(1))
        def work(): pass
        for _ in range(2):
            work()
            with spanledger.budget(1): pass
        spanledger.init(exporter="none")
        work()
        """
    )
    assert finished.stderr.count("no client library is measured") == 1


def test_a_rates_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    for text in ("[1]", "{", '{"m": 1}'):
        path.write_text(text)
        finished = run(
            "import logging, spanledger; logging.basicConfig(); spanledger.init(exporter='none')",
            {"SPANLEDGER_RATES": str(path)},
        )
        assert "telemetry is off" in finished.stderr
        assert "rates.json" in finished.stderr or "'m'" in finished.stderr
