"""Every public method of every installed client that makes requests is told or listed as not told.

A method that a new version adds fails here until somebody decides about it. The operations of
``boto3`` and the functions of ``litellm`` have no classes: their own tests walk them.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spanledger._patches import registry
from spanledger._patches.gaps import NOT_YET, NOTHING, covers, reason_of

Classes = Iterator[type[Any]]


def _imported(package: str, *skipped: str) -> list[Any]:
    """The module and all below it, but for those that need what the client does not."""
    module = importlib.import_module(package)
    below = pkgutil.walk_packages(getattr(module, "__path__", ()), f"{package}.")
    names = [
        one.name for one in below if one.name.split(".")[package.count(".") + 1] not in skipped
    ]
    return [module, *map(importlib.import_module, names)]


def _defined(modules: list[Any], fits: Callable[[type[Any]], bool]) -> Classes:
    for module in modules:
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == module.__name__ and fits(value):
                yield value


def _public(owner: type[Any]) -> bool:
    return not owner.__name__.startswith("_")


def _stainless(package: str, client: str, *lib: str) -> Classes:
    """Resources of a generated client, and the client itself, which asks by path."""
    base = importlib.import_module(f"{package}._resource")
    kinds = (base.SyncAPIResource, base.AsyncAPIResource)
    modules = [one for name in ("resources", *lib) for one in _imported(f"{package}.{name}")]
    yield from _defined(modules, lambda one: issubclass(one, kinds) and _public(one))
    root = importlib.import_module(package)
    yield from (getattr(root, client), getattr(root, f"Async{client}"))


def _anthropic() -> Classes:
    sellers = ("lib.bedrock._beta_messages", "lib.vertex._beta_messages", "lib.foundry")
    return _stainless("anthropic", "Anthropic", *sellers)


def _cohere() -> Classes:
    """Clients of groups of methods, also those behind ``with_raw_response``, and older ones."""
    modules = _imported("cohere", "core", "manually_maintained", "_default_clients")
    names = ("Client", "ClientV2", "BaseCohere")
    return _defined(modules, lambda one: _public(one) and one.__name__.endswith(names))


def _mistralai() -> Classes:
    base: type[Any] = importlib.import_module("mistralai.client.basesdk").BaseSDK
    modules = _imported("mistralai.client", "models", "utils")
    return _defined(modules, lambda one: issubclass(one, base) and _public(one))


def _google_genai() -> Classes:
    root = importlib.import_module("google.genai")
    base = importlib.import_module("google.genai._api_module").BaseModule
    next_base = importlib.import_module("google.genai._gaos.basesdk").BaseSDK
    names = [name for _, name, _ in pkgutil.iter_modules(root.__path__) if name[0] != "_"]
    skipped = ("tests", "local_tokenizer")  # need a recording, or a library that is not there
    modules = [
        importlib.import_module(f"google.genai.{name}") for name in names if name not in skipped
    ]
    modules.append(importlib.import_module("google.genai._gaos.google_genai"))
    yield from _defined(modules, lambda one: issubclass(one, (base, next_base)))
    yield from _defined([importlib.import_module("google.genai.chats")], _public)


def _ollama() -> Classes:
    module = importlib.import_module("ollama")
    yield from (module.Client, module.AsyncClient)


def _huggingface_hub() -> Classes:
    module = importlib.import_module("huggingface_hub")
    yield from (module.InferenceClient, module.AsyncInferenceClient)


#: The classes of each client that make requests.
WALKS: dict[str, Callable[[], Classes]] = {
    "openai": lambda: _stainless("openai", "OpenAI"),
    "anthropic": _anthropic,
    "groq": lambda: _stainless("groq", "Groq"),
    "together": lambda: _stainless("together", "Together"),
    "cohere": _cohere,
    "mistralai": _mistralai,
    "google-genai": _google_genai,
    "ollama": _ollama,
    "huggingface_hub": _huggingface_hub,
}
ELSEWHERE = {"boto3", "litellm"}


def _named(owner: type[Any], method: str) -> str:
    """By the class that has the method: there it is patched for all that inherit it."""
    having = next(one for one in owner.__mro__ if method in vars(one))
    if method.endswith("_async") and hasattr(having, method.removesuffix("_async")):
        method = method.removesuffix("_async")
    name = f"{having.__module__}.{having.__qualname__}.{method}"
    return name.replace(".Async", ".")


def _methods(owners: Classes) -> set[str]:
    found: set[str] = set()
    for owner in owners:
        for name in dir(owner):
            value = inspect.getattr_static(owner, name)
            # Classes are no methods, and Cohere's client has functions that only say what moved.
            if name[0] == "_" or not callable(value) or inspect.isclass(value):
                continue
            if "<locals>" not in getattr(value, "__qualname__", ""):
                found.add(_named(owner, name))
    return found


def _as_found(name: str) -> str:
    """A listed name as the walk has it: by the module that defines the class."""
    path, _, method = name.rpartition(".")
    module, _, owner = path.rpartition(".")
    if not module:  # a function of the client's module
        return name
    try:
        return _named(getattr(importlib.import_module(module), owner), method)
    except (ImportError, AttributeError, StopIteration):  # asynchronous only, or not in here
        return name.replace(".Async", ".")


def test_every_client_is_walked() -> None:
    """A new instrumentor needs a walk."""
    assert set(WALKS) | ELSEWHERE == set(registry.available())


@pytest.mark.parametrize("client", WALKS)
def test_every_method_is_told_or_listed(client: str) -> None:
    """As patched, as one that calls a patched method, or among the gaps; never twice."""
    instrumentor = registry.available()[client]
    found = _methods(WALKS[client]())
    told = {_as_found(str(method.target)) for method in instrumentor.methods}
    helpers = {_as_found(name) for name in instrumentor.helpers}
    gaps = {
        name if name.endswith(".*") else _as_found(name): reason
        for name, reason in instrumentor.not_metered.items()
    }
    missing = {name for name in found - told - helpers if not reason_of(name, gaps)}
    assert sorted(missing) == []
    assert helpers <= found
    assert sorted(gap for gap in gaps if not any(covers(gap, name) for name in found)) == []
    assert sorted(gap for gap in gaps if any(covers(gap, name) for name in told)) == []


@pytest.mark.parametrize("client", sorted({*WALKS, *ELSEWHERE}))
def test_every_gap_says_whether_it_costs_money(client: str) -> None:
    """By how the reason begins."""
    for name, reason in registry.available()[client].not_metered.items():
        assert reason.startswith((f"{NOT_YET}: ", f"{NOTHING}: ")), name


@pytest.mark.parametrize(
    ("client", "name", "kind"),
    [
        ("openai", "openai.resources.beta.threads.threads.Threads.create_and_run", NOT_YET),
        ("openai", "openai.resources.beta.threads.messages.Messages.list", NOTHING),
        ("openai", "openai._base_client.SyncAPIClient.post", NOT_YET),
        ("openai", "openai.resources.vector_stores.vector_stores.VectorStores.search", NOT_YET),
        ("cohere", "cohere.base_client.BaseCohere.classify", NOT_YET),
        ("cohere", "cohere.raw_base_client.RawBaseCohere.embed", NOT_YET),
        ("google-genai", "google.genai._gaos.google_genai.GeminiNextGenInteractions.get",
         NOT_YET),
        ("mistralai", "mistralai.client.conversations.Conversations.list", NOTHING),
        ("mistralai", "mistralai.client.classifiers.Classifiers.classify", NOT_YET),
        ("mistralai", "mistralai.client.responses.Responses.count_input_tokens", NOTHING),
        ("anthropic", "anthropic.resources.beta.dreams.Dreams.create", NOT_YET),
        ("anthropic", "anthropic.resources.beta.files.Files.upload", NOTHING),
        ("groq", "groq.resources.files.Files.create", NOTHING),
        ("together", "together.resources.videos.VideosResource.create", NOT_YET),
        ("together", "together.resources.audio.voices.VoicesResource.list", NOTHING),
    ],
)  # fmt: skip
def test_calls_that_cost_money_and_are_not_told_are_listed_so(
    client: str, name: str, kind: str
) -> None:
    """Of two gaps that fit, the nearer one holds."""
    assert reason_of(name, registry.available()[client].not_metered).startswith(kind)
    if client != "cohere":
        assert name in _methods(WALKS[client]())


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("openai", "openai.resources.beta.responses.responses.Responses.create"),
        ("openai", "openai.resources.beta.responses.responses.Responses.retrieve"),
        ("anthropic", "anthropic.resources.beta.messages.messages.Messages.parse"),
    ],
)
def test_beta_methods_are_patched(client: str, name: str) -> None:
    """By name, so that nobody lists them as gaps."""
    assert name in {
        _as_found(str(method.target)) for method in registry.available()[client].methods
    }


def _table() -> dict[str, str]:
    """The column "Not measured" of the documentation, by client."""
    text = (Path(__file__).parents[3] / "docs" / "sdk.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| [\d.]+ \| .* \| (.*) \|$", text, re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize(
    ("part", "word"),
    [
        *(("._base_client.", "by their path"), (".beta.threads.", "threads")),
        *((".agents.", "agents"), (".live.", "live"), (".realtime.", "realtime")),
        *((".decisions.", "decisions"), (".evals.", "eval"), (".vector_stores.", "vector stores")),
        *((".containers.", "containers"), (".videos.", "videos"), (".chatkit.", "ChatKit")),
        *((".dreams.", "dreams"), (".deployments.", "deployments"), (".sessions.", "sessions")),
        *((".environments.", "environments"), (".fine_tuning.", "fine-tuning")),
        *((".finetuning.", "fine-tuning"), (".audio.", "audio")),
        (".classifiers.", "classifiers"),
        *((".judges.", "judges"), (".optimizations.", "optimizations"), (".tunings.", "tunings")),
        *((".workflows.", "workflows"), (".caches.", "caches")),
        *(("Decisions.", "decisions"), ("Triggers.", "triggers"), (".clusters.", "clusters")),
        *((".endpoints.", "endpoints"), (".raw_client.", "raw responses")),
    ],
)
def test_the_documentation_names_what_costs_money(part: str, word: str) -> None:
    """Where a part of some client is billed and not told, its row says so."""
    table = _table()
    assert set(table) >= set(registry.available())
    rows = [
        table[client]
        for client, instrumentor in registry.available().items()
        for name, reason in instrumentor.not_metered.items()
        if part in name and name.endswith(".*") and reason.startswith(NOT_YET)
    ]
    assert rows, f"no gap has {part}"
    assert all(word in row for row in rows), rows


@pytest.mark.parametrize(
    ("client", "name", "words"),
    [
        ("google-genai", "google.genai.batches.Batches.create", "batches in buckets and tables"),
        ("google-genai", "google.genai.batches.Batches.create_embeddings",
         "result files of embeddings"),
        ("litellm", "litellm.create_batch", "result files of Google and Bedrock"),
        ("litellm", "litellm.retrieve_batch", "result files of Google and Bedrock"),
    ],
)  # fmt: skip
def test_batches_that_are_told_in_part_are_no_nothing(client: str, name: str, words: str) -> None:
    """What of them is billed and not told is said by `doctor` and by the documentation."""
    reason = reason_of(name, registry.available()[client].not_metered)
    assert reason.startswith(NOT_YET)
    assert words in _table()[client]


@pytest.mark.parametrize("client", sorted({*WALKS, *ELSEWHERE}))
def test_lists_and_documentation_agree_about_batches(client: str) -> None:
    """A row names batches if and only if the list has some that are billed and not told."""
    told = re.search(r"batches|result files", _table()[client]) is not None
    gaps = registry.available()[client].not_metered
    billed = [name for name, reason in gaps.items() if reason.startswith(NOT_YET)]
    # Raw responses have words of their own, above.
    listed = [name for name in billed if "batch" in name and ".raw_client." not in name]
    assert told == bool(listed), listed
