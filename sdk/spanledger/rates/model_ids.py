"""Under which names a model id of a span may stand in the book.

Emitters write one model in many ways: ``models/gemini-2.5-pro``,
``publishers/google/models/gemini-2.5-pro``, ``azure/gpt-4o``, ``claude-sonnet-4-5@20250929``,
``arn:aws:bedrock:...:inference-profile/us.anthropic.claude-...``, ``gpt-5.2-20251211``. Each is
tried as it is first, then with what is known to be decoration taken off. An id that says nothing
about the model (a deployment name, an application inference profile) is never guessed.
"""

import re
from collections.abc import Iterator, Mapping

#: Providers that sell other providers' models under ``vendor/model``, and callers that name none.
GATEWAYS = frozenset({"litellm", "openrouter", "vercel", "portkey", "helicone", ""})
#: Sells the models of the Gemini API, ``google``, and sends bills of its own.
VERTEX, GEMINI = "gcp.vertex_ai", "google"
#: Callers whose name may be a client's default: OpenAI's client, wherever it was sent.
_DEFAULTS = frozenset({"openai", "self_hosted"})
#: Prefixes that only gateways write. (``openai/`` is also how an open model is called.)
_ROUTES = frozenset(
    {
        *("azure", "azure_ai", "bedrock", "bedrock_converse", "vertex_ai", "gemini", "openrouter"),
        *("anthropic", "groq", "together_ai", "fireworks_ai", "perplexity", "cerebras", "xai"),
    }
)
_AWS = "aws"
_OPENROUTER = "openrouter"
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=[-:]|$)", re.ASCII)
_DASHED_DATE = r"-\1-\2-\3"
_PUBLISHER = "publishers/"
_MODELS = "models/"
#: Kinds of Bedrock resource whose name is the model's; others need an operator's alias.
_TELLING_ARNS = ("foundation-model/", ":inference-profile/")
#: An id as only Bedrock writes it: frameworks (Strands) tell it and no provider.
_BEDROCK_ID = re.compile(
    r"arn:aws[a-z-]*:bedrock:"
    r"|(?:[a-z]{2,6}(?:-gov)?\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral"
    r"|moonshotai?|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.[a-z]",
    re.ASCII,
)
_OTHER_PRICES = ("us-gov.", "bedrock/us-gov.")


def references(
    provider: str, model: str, spellings: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(provider of the book, reference) pairs to look up, best first.

    Args:
        provider: as on the span, lower case; empty = not told.
        model: as on the span, lower case.
        spellings: provider name -> the book's name.
    """
    home = spellings.get(provider, "")
    if not provider and _BEDROCK_ID.match(model):
        home = _AWS
    if home == _AWS:
        yield from _both_dates(home, _bedrock(model))
        return
    if home:
        for name in _undecorated(model, home, spellings):
            yield from _both_dates(home, name)
    vendor, slash, rest = model.partition("/")
    if provider in GATEWAYS or (provider in _DEFAULTS and vendor in _ROUTES):
        seller = spellings.get(vendor, "")
        if slash and seller and _OPENROUTER not in (seller, home):
            yield from references(vendor, rest, spellings)
        elif slash and seller == _OPENROUTER:
            yield from _both_dates(seller, rest)


def _both_dates(provider: str, name: str) -> Iterator[tuple[str, str]]:
    if name:
        yield provider, name
        dashed = _COMPACT_DATE.sub(_DASHED_DATE, name)
        if dashed != name:
            yield provider, dashed


def _undecorated(model: str, home: str, spellings: Mapping[str, str]) -> Iterator[str]:
    yield model
    name = model
    if _PUBLISHER in name or name.startswith(_MODELS):
        name = name.rpartition(_MODELS)[2]
        yield name
    vendor, slash, rest = name.partition("/")
    if slash and spellings.get(vendor) in (home, GEMINI if home == VERTEX else home):
        name = rest
        yield name
    if "@" in name:
        yield name.replace("@", "-")


def _bedrock(model: str) -> str:
    """The model in a Bedrock id or ARN; empty when it does not say, or is priced apart."""
    if model.startswith("arn:"):
        if not any(kind in model for kind in _TELLING_ARNS):
            return ""
        model = model.rpartition("/")[2]
    return "" if model.startswith(_OTHER_PRICES) else model
