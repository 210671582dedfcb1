# /// script
# dependencies = [
#   "openlit==1.45.0",
#   "openai==2.54.0",
# ]
# ///
"""OpenLIT around the openai client; one stream without usage, whose tokens OpenLIT estimates.

case: openlit/clients
"""

import openai
import openlit

openlit.init(disable_metrics=True, disable_batch=True)
ASK = [{"role": "user", "content": "Weather?"}]
client = openai.OpenAI()
client.chat.completions.create(model="gpt-4o", messages=ASK)
list(
    client.chat.completions.create(
        model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
)
client.responses.create(model="gpt-4o", input="Weather?")
client.embeddings.create(model="text-embedding-3-small", input="Weather?")
list(client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True))
