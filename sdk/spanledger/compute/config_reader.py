"""Typed reading of a Hugging Face ``config.json`` that may come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

#: Older names of the same numbers (GPT-2, Falcon, DeepSeek, Mixtral).
_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "hidden_size": ("n_embd", "n_embed", "d_model", "dim"),
    "num_hidden_layers": ("n_layer", "n_layers"),
    "num_attention_heads": ("n_head", "n_heads"),
    "num_key_value_heads": ("num_kv_heads",),
    "max_position_embeddings": ("n_positions",),
    "intermediate_size": ("n_inner", "ffn_hidden_size", "hidden_dim", "ffn_dim"),
    "num_experts": ("num_local_experts", "n_routed_experts"),
    "num_experts_per_tok": ("num_experts_per_token", "moe_topk"),
}

#: No real model comes near; keeps products of a hostile config small enough to compute.
_LARGEST: Final = 10**9


class ArchitectureError(ValueError):
    """A model config that cannot be turned into an architecture; says which key and why."""


@dataclass(frozen=True, slots=True)
class ConfigReader:
    """Reads numbers from ``values``, naming ``model`` in its errors."""

    values: Mapping[str, object]
    model: str

    def _find(self, key: str) -> object:
        for name in (key, *_SYNONYMS.get(key, ())):
            value = self.values.get(name)
            if value is not None:
                return value
        return None

    def integer(self, key: str, default: int | None = None) -> int:
        """The non-negative integer under ``key`` or an older name of it.

        Raises:
            ArchitectureError: It is absent and has no default, or is no sensible integer.
        """
        value = self._find(key)
        if value is None:
            if default is None:
                raise ArchitectureError(
                    f"config of {self.model!r} has no {key!r}: pass the model's own config.json"
                )
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
            raise ArchitectureError(
                f"config of {self.model!r}: {key!r} must be an integer from 0 to {_LARGEST}, "
                f"got {value!r}"
            )
        return value

    def positive(self, key: str, default: int | None = None) -> int:
        """Like `integer`, and not 0."""
        value = self.integer(key, default)
        if value == 0:
            raise ArchitectureError(f"config of {self.model!r}: {key!r} must be above 0")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """The boolean under ``key``; anything else counts as absent."""
        value = self._find(key)
        return value if isinstance(value, bool) else default

    def text(self, key: str) -> str:
        """The string under ``key``, or ``""``."""
        value = self._find(key)
        return value if isinstance(value, str) else ""

    def strings(self, key: str) -> tuple[str, ...]:
        """The list of strings under ``key``, or an empty one."""
        value = self._find(key)
        if not isinstance(value, Sequence) or isinstance(value, str):
            return ()
        return tuple(str(item) for item in cast("Sequence[object]", value))

    def integers(self, key: str) -> frozenset[int]:
        """The set of integers in the list under ``key``, or an empty one."""
        value = self._find(key)
        if not isinstance(value, Sequence) or isinstance(value, str):
            return frozenset()
        return frozenset(item for item in cast("Sequence[object]", value) if isinstance(item, int))

    def section(self, key: str) -> ConfigReader | None:
        """The nested config under ``key`` (``text_config`` of multimodal models), if any."""
        value = self.values.get(key)
        if not isinstance(value, Mapping):
            return None
        return ConfigReader(cast("Mapping[str, object]", value), self.model)
