"""Physics of a model call: FLOPs and memory from the architecture, with intervals.

Standard library only, no network, no I/O after the first use of the catalogue. What is computed
and what is assumed: ``docs/compute.md``.
"""

from spanledger.compute.architecture import Exactness, ModelArchitecture, Parameters
from spanledger.compute.call import CallEstimate, estimate_call
from spanledger.compute.config_reader import ArchitectureError
from spanledger.compute.estimate import Estimate, Method
from spanledger.compute.flops import FlopsEstimate, ForwardFlops, estimate_flops, forward_flops
from spanledger.compute.models import KnownModel, recognise
from spanledger.compute.vram import VramEstimate, estimate_vram, kv_cache_bytes, weight_bytes

__all__ = [
    "ArchitectureError",
    "CallEstimate",
    "Estimate",
    "Exactness",
    "FlopsEstimate",
    "ForwardFlops",
    "KnownModel",
    "Method",
    "ModelArchitecture",
    "Parameters",
    "VramEstimate",
    "estimate_call",
    "estimate_flops",
    "estimate_vram",
    "forward_flops",
    "kv_cache_bytes",
    "recognise",
    "weight_bytes",
]
