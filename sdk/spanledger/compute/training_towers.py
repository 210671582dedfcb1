"""What the encoder of pictures or sound in front of a model may add to its training: an upper end.

How many pictures a run saw, and of what size, nobody tells: none at the least, and at the most
every token was one of a picture.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate, weakest

#: A tower of pictures of one size, with its projector, in percent of the tower: LLaVA's takes 6.
_PROJECTED_PERCENT: Final = 115
#: At most so many patches become a token (Gemma 3 and InternVL: 16, 4): judgement.
_PATCHES_A_TOKEN: Final = 16
_UNTOLD: Final = "share of pictures is not known: none to all tokens"


def with_tower(arch: ModelArchitecture, forward: Estimate, tokens: int, length: int) -> Estimate:
    """A forward pass over training's tokens, with a high end that holds the tower's.

    Args:
        arch: The model; one without a tower leaves the estimate as it is.
        forward: Of its text part.
        tokens: Tokens trained on.
        length: Of a sequence, at most; a picture lies within one.
    """
    if not arch.has_tower or not tokens:
        return forward
    known = arch.grid_vision is not None or arch.vision is not None
    return Estimate(
        forward.value,
        forward.low,
        forward.high + (_most(arch, tokens, min(length, tokens)) if known else forward.high),
        forward.unit,
        weakest(forward.method, "approx" if known else "assumed"),
        f"{forward.source}; {_UNTOLD}",
        forward.as_of,
    )


def _most(arch: ModelArchitecture, tokens: int, length: int) -> int:
    """FLOPs of the tower where every token is of a picture, as large as a sequence can hold."""
    if arch.grid_vision is not None:
        side = (isqrt(length - 1) + 1) * arch.grid_vision.side
        one, pictures = arch.grid_vision.flops([(1, side, side)]).high, -(-tokens // length)
        return int(one) * pictures
    tower = arch.vision
    assert tower is not None  # noqa: S101 -- `with_tower` has seen to it
    pictures = -(-tokens * _PATCHES_A_TOKEN // tower.patches)
    return int(tower.flops(pictures).high) * _PROJECTED_PERCENT // 100
