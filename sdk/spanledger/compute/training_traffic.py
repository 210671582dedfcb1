"""Bytes that a run of training moves in the memory of its GPUs, as an interval.

No trainer tells them. What must move is known: weights are read on the way forth and back,
gradients are written, the optimizer reads and writes its state, activations are written and read
again. How often kernels do so is not: fused ones keep in registers what others write out, and
optimizers and number formats differ. So this is a lower and an upper end with a middle, and never
a measurement. Assumed, per weight or token:

=====================  ====================  =======================  ==========================
traffic                low                   middle                   high
=====================  ====================  =======================  ==========================
a weight, each pass    2 bytes               2 bytes                  4 bytes
optimizer, a weight    6: SGD, bf16          28: Adam, fp32 state     30: the same, fp32 gradients
base under adapters    half a byte: 4 bits   2 bytes                  4 bytes
a saved activation     written, read back    and read forth, its      twice the middle: fp32
                                             gradient both ways
logits, each           none: fused loss      4 times 4 bytes          8 times 4 bytes
=====================  ====================  =======================  ==========================

A layer saves 34 bytes a token and unit of width (Korthikanti et al. 2022, arXiv 2205.05198, with
an attention that keeps no scores). Several GPUs each move their own copy of the weights; the low
end has the optimizer's state once over all (ZeRO, arXiv 1910.02054), the high end weights that are
gathered for each pass.
"""

from __future__ import annotations

from typing import Final

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate, weakest
from spanledger.compute.training import TrainingMethod

_SOURCE: Final = "arXiv 2205.05198; arXiv 1910.02054"
_AS_OF: Final = "2026-11-27"
#: Low, middle and high, as the table above has them.
_Three = tuple[float, float, float]
_WEIGHT_BYTES: Final[_Three] = (2, 2, 4)
_BASE_BYTES: Final[_Three] = (0.5, 2, 4)
_OPTIMIZER_BYTES: Final[_Three] = (6, 28, 30)
_SAVED_BYTES: Final = 34
_SAVED_TIMES: Final[_Three] = (2, 5, 10)
#: The way forth once more: what is saved is written and read again.
_AGAIN_TIMES: Final[_Three] = (0, 2, 4)
#: Weights that several GPUs share are written and read once more for each pass.
_GATHERED: Final[_Three] = (0, 0, 2)
_LOGIT_BYTES: Final[_Three] = (0, 16, 32)


def training_traffic(
    arch: ModelArchitecture,
    tokens: int,
    *,
    passes: int,
    updates: int,
    method: TrainingMethod = "full",
    checkpointing: bool = False,
    gpus: int = 1,
) -> Estimate | None:
    """Bytes moved, over all GPUs; None = not known.

    It is not known where the layers of a model are not, nor where some part of it is trained that
    nobody named.

    Args:
        arch: The model.
        tokens: Trained on, over all GPUs.
        passes: Ways forth and back of each GPU: steps x batches whose gradients are added up.
        updates: Times that the optimizer changed the weights.
        method: What is trained.
        checkpointing: Activations are computed again on the way back.
        gpus: That train together.

    Raises:
        ValueError: A count is negative, or there is no GPU.
    """
    if min(tokens, passes, updates) < 0 or gpus < 1:
        raise ValueError(
            f"need counts from 0 and GPUs from 1, got {tokens}, {passes}, {updates}, {gpus}"
        )
    if not arch.groups or not arch.hidden or method == "partial":
        return None
    ends = [
        _weights(arch, end, passes, updates, method, checkpointing=checkpointing, gpus=gpus)
        + _activations(arch, end, tokens, checkpointing=checkpointing)
        for end in range(3)
    ]
    low, value, high = (round(end) for end in ends)
    low, high = arch.bounds(low)[0], arch.bounds(high)[1]
    return Estimate(
        value, low, high, "byte", weakest("approx", arch.exactness.method),
        "; ".join(filter(None, (arch.source, _SOURCE))), _AS_OF,
    )  # fmt: skip


def _weights(
    arch: ModelArchitecture,
    end: int,
    passes: int,
    updates: int,
    method: TrainingMethod,
    *,
    checkpointing: bool,
    gpus: int,
) -> float:
    reads = 3 if checkpointing else 2
    gathered = _GATHERED[end] if gpus > 1 else 0
    if method == "lora":
        return arch.params.total * _BASE_BYTES[end] * (reads + gathered) * passes * gpus
    # Each pass writes gradients; those that are added to others are read as well.
    moved = (reads + gathered + 1) * passes + max(passes - updates, 0)
    copies = 1 if end == 0 else gpus
    return arch.params.total * (
        _WEIGHT_BYTES[end] * moved * gpus + _OPTIMIZER_BYTES[end] * updates * copies
    )


def _activations(arch: ModelArchitecture, end: int, tokens: int, *, checkpointing: bool) -> float:
    times = _SAVED_TIMES[end] + (_AGAIN_TIMES[end] if checkpointing else 0)
    layers = sum(group.count for group in arch.groups)
    saved = layers * arch.hidden * _SAVED_BYTES * times
    return tokens * (saved + arch.vocabulary * _LOGIT_BYTES[end])
