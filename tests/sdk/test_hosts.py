"""Who bills, by the host a client talks to."""

from __future__ import annotations

import pytest

from spanledger._calls.hosts import provider_of


@pytest.mark.parametrize(
    ("host", "port", "default", "billed"),
    [
        ("api.openai.com", 443, "openai", "openai"),
        ("eu.api.openai.com", 443, "openai", "openai"),
        ("corp.openai.azure.us", 443, "openai", "azure.ai.openai"),
        ("api.groq.com", 443, "openai", "groq"),
        ("api.moonshot.ai", 443, "openai", "moonshot_ai"),
        ("api.z.ai", 443, "openai", "zai"),
        ("router.huggingface.co", 443, "openai", "huggingface"),
        ("dashscope-intl.aliyuncs.com", 443, "openai", "dashscope"),
        ("bedrock-mantle.eu-west-1.api.aws", 443, "openai", "aws.bedrock"),
        # By whole labels at its end.
        ("evil-api.groq.com.example", 443, "openai", "openai"),
        ("evilapi.groq.com", 443, "openai", "openai"),
        ("storage.googleapis.com", 443, "openai", "openai"),
        ("queue.amazonaws.com", 443, "openai", "openai"),
        ("us-east5-aiplatform.googleapis.com", 443, "openai", "gcp.vertex_ai"),
        # One's own server of open models: nobody's list price holds.
        ("127.0.0.1", 8000, "openai", "self_hosted"),
        ("10.0.0.5", 8000, "openai", "self_hosted"),
        ("172.20.3.4", 8000, "openai", "self_hosted"),
        ("vllm", 8000, "openai", "self_hosted"),
        ("vllm.serving.svc.cluster.local", 8000, "openai", "self_hosted"),
        ("::1", 8000, "openai", "self_hosted"),
        ("127.0.0.1", 11434, "openai", "ollama"),
        # Clients of one provider are its own, also through a gateway.
        ("10.0.0.5", 8000, "anthropic", "anthropic"),
        ("172.40.3.4", 8000, "openai", "openai"),
        ("llm.corp.example", 443, "openai", "openai"),
    ],
)
def test_the_host_says_who_bills(host: str, port: int, default: str, billed: str) -> None:
    """The client's own name only where neither the table nor the network says more."""
    assert provider_of(host, port, default) == billed
