"""Finds what is no text in a prompt, by the names that the providers' formats have for it.

OpenAI's chat and responses, Anthropic, Google, Bedrock's Converse, Mistral, Cohere, Ollama,
LiteLLM, and the parts of the frameworks: an image is one by the type of its part or the name of its
field, wherever its bytes are (in the request, behind a URL, in a file that an id names).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from spanledger._budgets.media_tokens import Kind, Part
from spanledger._calls.answer import fields_of

_Fields = Mapping[str, Any]

#: Fields that hold a part -> what it is, unless its media type says more.
_HOLDERS: Final[Mapping[str, Kind]] = {
    "image_url": "image",
    "images": "image",
    "image": "image",
    "input_audio": "audio",
    "audio_url": "audio",
    "audio": "audio",
    "video_url": "video",
    "video": "video",
    "document_url": "file",
    "document": "file",
    "file": "file",
    "file_data": "file",
    "fileData": "file",
    "inline_data": "file",
    "inlineData": "file",
    "image_file": "image",
}
#: Of them, those that are also plain words: a text in them is only one where the type says so too.
_WORDS: Final = frozenset({"image", "images", "audio", "video", "document", "file"})
#: Types of parts -> what they are.
TYPES: Final[Mapping[str, Kind]] = {
    "image": "image",
    "image_url": "image",
    "image-url": "image",
    "input_image": "image",
    "image_file": "image",
    "computer_screenshot": "image",
    "audio": "audio",
    "audio_url": "audio",
    "audio-url": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
    "video-url": "video",
    "input_video": "video",
    "document": "file",
    "document_url": "file",
    "document-url": "file",
    "file": "file",
    "input_file": "file",
    "uploaded-file": "file",
    "binary": "file",
    "media": "file",
}
#: Where the bytes of a part are.
_CONTENTS: Final = ("data", "base64", "bytes", "file_data", "value")
#: What names a part whose bytes are elsewhere.
_PLACES: Final = (
    *("url", "uri", "file_id", "file_uri", "fileUri", "file_url", "image_url", "id", "s3Location"),
    *("path", "source_url"),
)
_FORMS: Final = ("mime_type", "media_type", "mimeType", "_media_type", "format", "image_mimetype")
#: Of a mapping that has none of them there is nothing to find.
MARKS: Final = frozenset({*_HOLDERS, "source", "file_id", "data", "url", "base64", "uri"})
#: Longer than a URL or an id: the bytes themselves.
_LONGEST_PLACE: Final = 4096
#: Where the parts of a text stand that is called a document.
_TEXTS: Final = frozenset({"text", "content"})


class Found(NamedTuple):
    """Parts, and the fields that they are in."""

    parts: list[Part]
    fields: frozenset[str]


_NOTHING: Final = Found([], frozenset())


def media_in(fields: _Fields) -> Found:
    """What of a mapping is no text.

    Args:
        fields: of a message, or of a part of one; has one of ``MARKS``, or a type of ``TYPES``.
    """
    is_file = fields.get("uri") and fields.get("mime_type") and fields.get("text") is None
    if is_file:  # Google's
        return Found([_part(fields, "file", fields)], frozenset({"uri"}))
    kind = TYPES.get(_type_of(fields))
    if kind is not None and (whole := _of_type(fields, kind)) is not None:
        return whole
    parts: list[Part] = []
    taken: set[str] = set()
    for name in _HOLDERS.keys() & fields.keys():
        found = _of_holder(name, fields[name], kind)
        if found:
            parts += found
            taken.add(name)
    return Found(parts, frozenset(taken)) if parts else _NOTHING


def object_part(value: object) -> Part | None:
    """An image as an object of a library that has them (Pillow, arrays), or plain bytes."""
    if isinstance(value, bytes | bytearray):
        return Part("file", len(value))
    if type(value).__module__.startswith("PIL.") or hasattr(value, "__array_interface__"):
        return Part("image")
    return None


def _type_of(fields: _Fields) -> str:
    for name in ("type", "kind", "block_type"):
        if isinstance(told := fields.get(name), str):
            return told
    return ""


def _of_type(fields: _Fields, kind: Kind) -> Found | None:
    """A part that says what it is; None where all of it stands in a field of that name."""
    source = fields.get("source")
    if source is not None:
        inner = _fields_of(source)
        if _type_of(inner) in _TEXTS:
            return _NOTHING  # a document that is written out here
        return Found([_part(inner, kind, fields)], frozenset({"source"}))
    places = frozenset(name for name in (*_CONTENTS, *_PLACES) if _is_plain(fields.get(name)))
    if any(fields[name] is not None for name in (_HOLDERS.keys() & fields.keys()) - places):
        return None
    return Found([_part(fields, kind, fields)], places)


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping | list | tuple)


def _of_holder(name: str, value: Any, kind: Kind | None) -> list[Part]:
    """The parts in a field, of a mapping of that kind (None: it does not say)."""
    what = _HOLDERS[name] if kind is None else kind
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value) if name == "images" else []
        return [_holder_part(item, what) or Part(what) for item in items]
    if value is None or (isinstance(value, str) and name in _WORDS and kind is None):
        return []
    part = _holder_part(value, what)
    return [] if part is None else [part]


def _holder_part(value: Any, kind: Kind) -> Part | None:
    """A part from what a field of it holds; None where that is something else of this name."""
    if isinstance(value, str):
        return _written(value, kind, "")
    found = object_part(value)
    if found is not None:
        return found._replace(kind=kind)
    fields = _fields_of(value)
    if isinstance(fields.get("data"), Mapping):
        return None  # Cohere's documents are texts with names
    if fields.get("source") is not None:
        inner = _fields_of(fields["source"])
        return _part(inner, kind, fields) if _TEXTS.isdisjoint(inner) else None
    is_somewhere = any(fields.get(name) is not None for name in (*_CONTENTS, *_PLACES))
    return _part(fields, kind, fields) if is_somewhere else None


def _part(inner: _Fields, kind: Kind, outer: _Fields) -> Part:
    """A part from the fields that say where it is."""
    form = next((str(told) for at in (inner, outer) for n in _FORMS if (told := at.get(n))), "")
    detail = str(inner.get("detail") or outer.get("detail") or "").lower()
    for name in _CONTENTS:
        value = inner.get(name)
        if isinstance(value, bytes | bytearray):
            return _formed(Part(kind, len(value), form.lower(), detail))
        if isinstance(value, str):
            return _written(value, kind, form, detail, is_content=True)
    size = inner.get("size_bytes")
    if size is not None:
        return _formed(Part(kind, int(size), form.lower(), detail))
    place = next((v for name in _PLACES if isinstance(v := inner.get(name), str)), "")
    return _written(place, kind, form, detail)


def _written(
    value: str, kind: Kind, form: str, detail: str = "", *, is_content: bool = False
) -> Part:
    """A part that is written as a data URL, as base64, or as the place where it is."""
    size: int | None = None
    if value.startswith("data:"):
        head, _, _ = value[:200].partition(",")
        form = form or head[len("data:") :].partition(";")[0]
        size = len(value) * 3 // 4
    elif is_content or len(value) > _LONGEST_PLACE:
        size = len(value) * 3 // 4
    return _formed(Part(kind, size, form.lower(), detail))


def _formed(part: Part) -> Part:
    """What a file is, by its media type."""
    if part.kind != "file":
        return part
    first = part.form.partition("/")[0]
    if first in ("image", "audio", "video", "text"):
        return part._replace(kind=cast("Kind", first))
    return part


def _fields_of(value: Any) -> _Fields:
    return cast("_Fields", value) if isinstance(value, Mapping) else fields_of(value)
