"""A YAML file that an operator writes, read and checked whole before any of it is used."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from spanledger_collector.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)

_LONGEST_INPUT = 80


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice: of both the last would count, and nobody would know."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """One mapping; here, before `<<` brings in keys that its own may override."""
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                name = (key.tag, cast("str", key.value))
                if name in seen:
                    line = key.start_mark.line + 1
                    raise yaml.YAMLError(f"line {line}: {key.value!r} is given twice")
                seen.add(name)
        return node


def read_document(path: Path, model: type[Model], what: str, *, entry: str = "entry") -> Model:
    """What a file says.

    Args:
        path: of the file; one that is empty says nothing of what the model has defaults for.
        model: what it must be. What was written is told with a mistake, unless the model's
            ``hide_input_in_errors`` is set.
        what: it is, in messages: ``prices``.
        entry: what one of a list is called in messages.

    Raises:
        ConfigurationError: it cannot be read, has a key twice, or says something else; each mistake
            with the entry that it is in: ``prices of FILE: prices, entry 2, valid_from: ...``.
    """
    try:
        content: object = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - safe
        return model.model_validate({} if content is None else content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the {what} of {path} cannot be read: {error}") from error
    except ValidationError as error:
        hidden = bool(model.model_config.get("hide_input_in_errors"))
        told = "; ".join(
            _problem(cast("dict[str, Any]", one), entry, hidden=hidden)
            for one in error.errors(include_url=False)
        )
        raise ConfigurationError(f"{what} of {path}: {told}") from error


def _problem(one: dict[str, Any], entry: str, *, hidden: bool) -> str:
    place = ", ".join(_place(one["loc"], entry)) or "the file"
    told = f"{place}: {one['msg']}"
    if hidden or one["type"] == "missing":
        return told
    return f"{told} (not {one['input']!r:.{_LONGEST_INPUT}})"


def _place(path: Iterable[int | str], entry: str) -> Iterable[str]:
    for step in path:
        yield f"{entry} {step + 1}" if isinstance(step, int) else step
