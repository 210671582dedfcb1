"""Other instrumentations, switched on and off as their own documentation says.

Loaded by name: they are in environments of their own (``tests.support.environments``) and not in
the one that is type-checked. Everything is the default of each, content on spans included.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

#: Switches a peer off again.
Off = Callable[[], None]
#: Switches a peer on. Gives None where the peer has no way to be switched off.
On = Callable[[], Off | None]


def _load(module: str) -> Any:
    return importlib.import_module(module)


_OTEL: Final = "opentelemetry.instrumentation"
_MODULES: Final[Mapping[str, Sequence[str]]] = {
    "openllmetry": (f"{_OTEL}.openai", f"{_OTEL}.anthropic", f"{_OTEL}.langchain"),
    "openinference": (
        "openinference.instrumentation.openai",
        "openinference.instrumentation.anthropic",
        "openinference.instrumentation.langchain",
    ),
    "otel-genai": (f"{_OTEL}.genai.openai", f"{_OTEL}.genai.anthropic", f"{_OTEL}.genai.langchain"),
    "otel-openai-v2": (f"{_OTEL}.openai_v2",),
    "logfire": ("logfire",),
    "openlit": ("openlit",),
}


_BETAS: Final = ("openai.resources.beta.realtime", "anthropic.resources.beta", "langgraph.pregel")
#: What they import when they are switched on or at the first call, which takes seconds.
_LATE: Final[Mapping[str, Sequence[str]]] = {
    "openllmetry": (*_BETAS, "langchain.agents"),
    "openinference": _BETAS,
    "otel-genai": _BETAS,
    "logfire": (*_BETAS, "genai_prices"),
    "openlit": (*_BETAS, "openlit.instrumentation.openai_agents"),
}


def load(name: str) -> None:
    """Import a peer without switching it on."""
    for module in (*_MODULES[name], *_LATE.get(name, ())):
        _load(module)


#: What tells the other clients (``every_client``): by peer, the modules of its instrumentations.
CLIENTS_OF: Final[Mapping[str, Sequence[str]]] = {
    "openllmetry": [
        f"{_OTEL}.{client}" for client in ("bedrock", "google_generativeai", "groq", "ollama")
    ],
    "openinference": [
        f"openinference.instrumentation.{client}"
        for client in (
            *("bedrock", "cohere", "google_genai", "groq"),
            *("litellm", "mistralai", "ollama", "together"),
        )
    ],
    "otel-genai": [f"{_OTEL}.genai.bedrock"],
}


#: The same of OpenLIT, by its own names.
OPENLIT_CLIENTS: Final = (
    *("bedrock", "cohere", "google-ai-studio", "groq", "litellm", "mistral", "ollama", "together"),
)


def load_for_clients(name: str) -> None:
    """Import what a peer has for the other clients, without switching it on."""
    for module in CLIENTS_OF.get(name, _MODULES[name]):
        _load(module)


def switch_on_for_clients(name: str) -> None:
    """Switch on what a peer has for the other clients."""
    if name == "openlit":
        _openlit(OPENLIT_CLIENTS)
        return
    for module in CLIENTS_OF[name]:
        _instrumentor(_load(module)).instrument()


def _common(name: str) -> On:
    """Peers whose modules have one class each, with the common methods."""

    def on() -> Off:
        made = [_instrumentor(_load(module)) for module in _MODULES[name]]
        for instrumentor in made:
            instrumentor.instrument()

        def off() -> None:
            for instrumentor in reversed(made):
                instrumentor.uninstrument()

        return off

    return on


def _instrumentor(module: Any) -> Any:
    (name,) = (
        name for name in vars(module) if name.endswith("Instrumentor") and name[:4] != "Base"
    )
    return getattr(module, name)()


def _logfire() -> Off:
    logfire = _load("logfire")
    logfire.configure(send_to_logfire=False, console=False)
    undo = [logfire.instrument_openai(), logfire.instrument_anthropic()]

    def off() -> None:
        for manager in undo:
            with manager:
                pass

    return off


def _openlit(wanted: Collection[str] = ("openai", "anthropic")) -> None:
    """By default it downloads a price list; here it gets an empty one."""
    openlit = _load("openlit")
    every = set(_load("openlit._instrumentors").MODULE_NAME_MAP)
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder, "prices.json")
        prices.write_text(json.dumps({"chat": {}}), encoding="utf-8")
        openlit.init(
            disable_metrics=True,
            disable_events=True,
            pricing_json=str(prices),
            disabled_instrumentors=sorted(every - set(wanted)),
        )


#: Its ``uninstrument()`` of anthropic puts back what it found, so takes off ours that came later.
TAKES_OURS_OFF: Final = "openinference"
PEERS: Final[Mapping[str, On]] = {
    "openllmetry": _common("openllmetry"),
    "openinference": _common("openinference"),
    "otel-genai": _common("otel-genai"),
    "otel-openai-v2": _common("otel-openai-v2"),
    "logfire": _logfire,
    "openlit": _openlit,
}
