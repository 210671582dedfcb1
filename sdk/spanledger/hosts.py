"""Who bills, by host: one table for the SDK, which asks before it tells, and the collector.

Names are those of the OpenTelemetry GenAI conventions where they have one. Pure data: standard
library only.
"""

from __future__ import annotations

import re
from typing import Final

#: ``host=provider`` or ``host:port=provider``, comma separated: names of your own gateways and
#: servers, for example ``localhost:8000=vllm,llm.corp.example=openai``. Wins over the table.
PROVIDERS_VARIABLE: Final = "SPANLEDGER_PROVIDERS"

#: Ollama's own port; other servers of open models share 8000 and 8080 with everybody.
OLLAMA_PORT: Final = 11434
OLLAMA: Final = "ollama"
#: Whoever serves a model at an address of the user's own network: nobody's list price holds.
SELF_HOSTED: Final = "self_hosted"

#: Whole labels at the end of the host name, what else is in it, provider. First match wins.
HOSTS: Final = (
    ("api.openai.com", "", "openai"),
    ("openai.azure.com", "", "azure.ai.openai"),
    ("openai.azure.us", "", "azure.ai.openai"),
    ("openai.azure.cn", "", "azure.ai.openai"),
    ("cognitiveservices.azure.com", "", "azure.ai.openai"),
    ("services.ai.azure.com", "", "azure.ai.inference"),
    ("models.ai.azure.com", "", "azure.ai.inference"),
    ("api.anthropic.com", "", "anthropic"),
    ("api.groq.com", "", "groq"),
    ("api.deepseek.com", "", "deepseek"),
    ("openrouter.ai", "", "openrouter"),
    ("api.together.xyz", "", "together"),
    ("api.together.ai", "", "together"),
    ("api.x.ai", "", "x_ai"),
    ("api.mistral.ai", "", "mistral_ai"),
    ("api.perplexity.ai", "", "perplexity"),
    ("api.fireworks.ai", "", "fireworks"),
    ("api.cerebras.ai", "", "cerebras"),
    ("api.cohere.com", "", "cohere"),
    ("api.cohere.ai", "", "cohere"),
    ("generativelanguage.googleapis.com", "", "gcp.gemini"),
    ("googleapis.com", "aiplatform", "gcp.vertex_ai"),
    ("amazonaws.com", "bedrock", "aws.bedrock"),
    ("api.aws", "bedrock", "aws.bedrock"),
    ("api.moonshot.ai", "", "moonshot_ai"),
    ("api.moonshot.cn", "", "moonshot_ai"),
    ("api.z.ai", "", "zai"),
    ("open.bigmodel.cn", "", "zhipuai"),
    ("api.minimax.io", "", "minimax"),
    ("api.minimax.chat", "", "minimax"),
    ("api.minimaxi.com", "", "minimax"),
    ("api.novita.ai", "", "novita"),
    ("api.deepinfra.com", "", "deepinfra"),
    ("router.huggingface.co", "", "huggingface"),
    ("endpoints.huggingface.cloud", "", "huggingface"),
    ("integrate.api.nvidia.com", "", "nvidia_nim"),
    ("aliyuncs.com", "dashscope", "dashscope"),
    ("api.sambanova.ai", "", "sambanova"),
    ("ai-gateway.vercel.sh", "", "vercel_ai_gateway"),
    ("gateway.ai.cloudflare.com", "", "cloudflare_ai_gateway"),
    ("api.cloudflare.com", "", "cloudflare"),
    ("models.github.ai", "", "github"),
    ("models.inference.ai.azure.com", "", "github"),
    ("api.githubcopilot.com", "", "github-copilot"),
    ("inference.baseten.co", "", "baseten"),
    ("api.nscale.com", "", "nscale"),
    ("api.studio.nebius.com", "", "nebius"),
    ("api.tokenfactory.nebius.com", "", "nebius"),
    ("api.hyperbolic.xyz", "", "hyperbolic"),
    ("endpoints.ai.cloud.ovh.net", "", "ovhcloud"),
    ("databricks.com", "", "databricks"),
    ("azuredatabricks.net", "", "databricks"),
    ("ml.cloud.ibm.com", "", "ibm.watsonx.ai"),
    ("api.llama.com", "", "meta"),
    ("api.voyageai.com", "", "voyageai"),
    ("api.ai21.com", "", "ai21"),
    ("api.arcee.ai", "", "arcee"),
)


#: Addresses of a machine or network of one's own, in the syntax that Python and RE2 share.
PRIVATE_HOST: Final = (
    r"(?:[^.:]+|.*\.(?:localhost|local|internal|intranet|lan|corp|home\.arpa|svc|test)"
    r"|(?:0|10|127|192\.168|169\.254|172\.(?:1[6-9]|2[0-9]|3[01])"
    r"|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\.[0-9.]+"
    r"|\[?(?:::1|f[cde][0-9a-f]{2}:[0-9a-f:%a-z]*)\]?)"
)
_PRIVATE: Final = re.compile(PRIVATE_HOST)


def is_private(host: str) -> bool:
    """Whether an address is of a user's own machine or network, where no list price holds."""
    return _PRIVATE.fullmatch(host) is not None


def provider_of_host(host: str) -> str:
    """The provider that bills for calls to a host, empty when the table does not know."""
    for ending, inside, provider in HOSTS:
        if inside in host and f".{host}".endswith(f".{ending}"):
            return provider
    return ""


def named_providers(text: str) -> dict[str, str]:
    """Host, or host and port -> provider, from the text of :data:`PROVIDERS_VARIABLE`.

    Entries that are none are left out: telemetry never fails for them.
    """
    pairs = (entry.strip().rpartition("=") for entry in text.split(","))
    return {host.strip().lower(): name.strip() for host, found, name in pairs if found}
