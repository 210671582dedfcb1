# /// script
# dependencies = [
#   "openlit==1.45.0",
#   "anthropic==0.125.0",
# ]
# ///
"""OpenLIT around the anthropic client, whole and streamed.

case: openlit_anthropic/clients
"""

import anthropic
import openlit

openlit.init(disable_metrics=True, disable_batch=True)
ASK = [{"role": "user", "content": "Weather?"}]
anthropic.Anthropic().messages.create(model="claude-sonnet-4-5", max_tokens=20, messages=ASK)
list(
    anthropic.Anthropic().messages.create(
        model="claude-sonnet-4-5", max_tokens=20, messages=ASK, stream=True
    )
)
