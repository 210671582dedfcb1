"""Code agents: what the model writes is run in a thread, and belongs to the run all the same."""

from __future__ import annotations

import asyncio
from typing import Any

from smolagents import CodeAgent
from tests.sdk.frameworks import cases_smolagents
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import FINAL, LOOKUP, MODEL, Tree, attributes, check_all

from spanledger import semconv
from spanledger_collector.demo.provider import Answer


def _code(text: str) -> Answer:
    return Answer(text=f"<code>\n{text}\n</code>", input_tokens=100, output_tokens=10)


async def test_tools_and_agents_called_by_code_belong_to_the_run(desk: Desk) -> None:
    """A tool and a managed agent called by the model's code hang under the code agent."""
    helper: Any = cases_smolagents.agent(desk.endpoint, "helper", desk.probe)
    helper.description = "Helps."
    [tool] = [tool for name, tool in helper.tools.items() if name == "lookup"]
    boss = CodeAgent(
        tools=[tool],
        model=cases_smolagents.model(desk.endpoint),
        managed_agents=[helper],
        verbosity_level=0,
    )
    *_, final = cases_smolagents.CASES.turns
    assert final.text != FINAL.text
    written = "lookup('x')\nanswer = helper('do it')\nfinal_answer(answer)"
    desk.script.turns, desk.script.one_run = (_code(written), LOOKUP, final), True
    await asyncio.to_thread(boss.run, "go")
    spans = desk.spans()
    tree = Tree(spans)
    [outer] = tree.named("invoke_agent CodeAgent")
    [inner] = tree.named("invoke_agent helper")
    assert attributes(inner)[semconv.RUN_PARENT_ID] == attributes(outer)[semconv.RUN_ID]
    first, second = tree.named("execute_tool lookup")
    assert tree.agent_of(first) is outer
    assert tree.agent_of(second) is inner
    assert [span.name for span in tree.named("chat ")] == [f"chat {MODEL}"] * 3
    check_all(spans, desk.script)
