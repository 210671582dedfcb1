"""What stands after the layers of a model: a language head, a pooler, or a head of labels.

By the class in a config's ``architectures``, as transformers has them: heads of labels
(``...ForSequenceClassification``, ``...ForTokenClassification``, ``...ForQuestionAnswering``) of
decoders are one matrix that every position is multiplied with, and no word is drawn; encoders with
``...ForMaskedLM`` have a matrix more before that of their words, and no pooler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spanledger.compute.config_reader import ConfigReader

_BY_SEQUENCE: Final = "ForSequenceClassification"
_LABELS: Final = (_BY_SEQUENCE, "ForTokenClassification", "ForQuestionAnswering")


@dataclass(frozen=True, slots=True)
class Head:
    """What comes after the layers.

    Attributes:
        weights: Of its matmuls, per position it runs on.
        pooled: It runs once a sequence.
        of_words: Its last matrix is as large as the embedding, and may be that.
        beside: Weights of it that are in no embedding, where ``of_words`` lets it be one.
        reasons: Why it is not known to the last weight.
    """

    weights: int
    pooled: bool = False
    of_words: bool = False
    beside: int = 0
    reasons: tuple[str, ...] = ()


def head_of(config: ConfigReader, built: Sequence[str], *, pooler: bool) -> Head:
    """The head of a model.

    Args:
        config: Of its text part.
        built: The classes that the config names.
        pooler: Models of its family are encoders, with a pooler where nothing else is said.

    Raises:
        ArchitectureError: A needed number is missing or impossible.
    """
    hidden, words = config.positive("hidden_size"), config.positive("vocab_size")
    ends = tuple(built)
    if any(name.endswith("RewardModel") for name in ends):
        return Head(hidden * _labels(config), reasons=("a reward model's own head",))
    if any(name.endswith(_LABELS) for name in ends):
        by_sequence = pooler and any(name.endswith(_BY_SEQUENCE) for name in ends)
        return Head(hidden * ((hidden if by_sequence else 0) + _labels(config)), by_sequence)
    if not pooler:
        return Head(hidden * words, of_words=True)
    if any(name.endswith("ForMaskedLM") for name in ends):
        beside = hidden * hidden
        return Head(beside + hidden * words, of_words=True, beside=beside)
    return Head(hidden * hidden, pooled=True, of_words=True)


def _labels(config: ConfigReader) -> int:
    """How many it tells apart: transformers has two where nothing is said."""
    named = config.section("id2label")
    return len(named.values) if named is not None else config.positive("num_labels", 2)
