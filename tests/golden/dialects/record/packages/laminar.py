# /// script
# dependencies = [
#   "lmnr==0.8.2",
#   "openai==3.57.0",
#   "anthropic==2.14.0",
# ]
# ///
"""Laminar around the openai and anthropic clients under an observed function.

case: laminar/clients
"""

import os

from lmnr import Laminar, observe

Laminar.initialize(
    project_api_key="k",
    base_url="http://127.0.0.1",
    http_port=int(os.environ["MODEL_SERVER"].rsplit(":", 1)[1]),
    force_http=True,
    disable_batch=True,
)
import anthropic
import openai

ASK = [{"role": "user", "content": "Weather?"}]


@observe(name="weather", session_id="session-1", user_id="user-1")
def weather() -> None:
    client = openai.OpenAI()
    client.chat.completions.create(model="gpt-4o", messages=ASK)
    client.responses.create(model="gpt-4o", input="Weather?")
    anthropic.Anthropic().messages.create(model="claude-sonnet-4-5", max_tokens=20, messages=ASK)


weather()
Laminar.flush()
