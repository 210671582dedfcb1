"""What a run of training computed: its tokens by the lengths of their sequences, as FLOPs.

How long sequences are decides what attention costs (of a small model at 32k four times the rest),
so it is counted step by step. Where every sequence had one length the count is exact; of steps that
tell only a mean it is a lower bound, since attention grows faster than a sequence; where nothing is
told of lengths the interval holds them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the physics are loaded where a run of training is measured, not with the SDK
    from spanledger.compute import Estimate, ModelArchitecture
    from spanledger.compute.training import TrainingMethod

#: Of sequences that are told by their mean, all tokens lie in ones at most so many times as long:
#: our judgement.
_LONGER = 4


class TrainingWork:
    """Counts the tokens of a run.

    Args:
        sequence_tokens: length of every sequence, where the application says so; 0 = it does not.
    """

    def __init__(self, sequence_tokens: int) -> None:
        self._given = sequence_tokens
        self._last = 0
        self._means = False
        self._by_length: dict[int, int] = {}
        self._unknown = 0

    def add(self, tokens: int, sequences: int) -> None:
        """Count a step; ``sequences`` 0 = not known."""
        if self._given:
            self._by_length[self._given] = self._by_length.get(self._given, 0) + tokens
        elif sequences <= 0 or tokens < sequences:
            self._unknown += tokens
        else:
            if self._last and not tokens % self._last and tokens < sequences * self._last:
                sequences = tokens // self._last  # the last batch of an epoch is smaller
            length, rest = divmod(tokens, sequences)
            self._means = self._means or rest > 0
            self._last = length
            self._by_length[length] = self._by_length.get(length, 0) + tokens

    def estimates(
        self, arch: ModelArchitecture, method: TrainingMethod, *, checkpointing: bool
    ) -> tuple[Estimate, Estimate] | None:
        """FLOPs of the model and of the hardware; None where no tokens were counted."""
        from spanledger.compute import training_flops

        def summed(longer: int) -> list[Estimate]:
            parts = [
                training_flops(
                    arch, tokens, sequence_tokens=length * longer or None, method=method,
                    checkpointing=checkpointing,
                )
                for length, tokens in (*self._by_length.items(), (0, self._unknown))
                if tokens
            ]  # fmt: skip
            return [_sum([one.model for one in parts]), _sum([one.hardware for one in parts])]

        if not (self._by_length or self._unknown):
            return None
        model, hardware = summed(1)
        if not self._means and len(self._by_length) <= 1:
            return model, hardware
        longest = summed(_LONGER)
        return _up_to(model, longest[0]), _up_to(hardware, longest[1])


def _sum(parts: list[Estimate]) -> Estimate:
    total = parts[0]
    for one in parts[1:]:
        total += one
    return total


def _up_to(one: Estimate, most: Estimate) -> Estimate:
    from spanledger.compute import Estimate
    from spanledger.compute.estimate import weakest

    return Estimate(
        one.value, one.low, max(one.high, most.high), one.unit, weakest(one.method, "approx"),
        one.source, one.as_of,
    )  # fmt: skip
