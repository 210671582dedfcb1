"""Physics of a model call: FLOPs and memory from the architecture, with intervals.

Standard library only, no network, no I/O after the first use of the catalogue. What is computed
and what is assumed: ``docs/compute.md``.
"""

from spanledger.compute.architecture import Exactness, ModelArchitecture, Parameters
from spanledger.compute.call import CallEstimate, estimate_call
from spanledger.compute.config_reader import ArchitectureError
from spanledger.compute.estimate import Estimate, Method
from spanledger.compute.flops import FlopsEstimate, ForwardFlops, estimate_flops, forward_flops
from spanledger.compute.gpu import Gpu, gpu, gpus, recognise_gpu
from spanledger.compute.models import KnownModel, recognise
from spanledger.compute.replica import ReplicaVram, estimate_replica, request_share_bytes
from spanledger.compute.roofline import (
    Efficiency,
    StepEstimate,
    bandwidth_utilisation,
    estimate_step,
    flops_utilisation,
    read_weight_bytes,
)
from spanledger.compute.speculative import (
    SpeculativeFlops,
    expected_tokens_per_step,
    speculative_flops,
)
from spanledger.compute.training import (
    TrainingFlops,
    training_flops,
    training_gpu_hours,
    training_state_bytes,
)
from spanledger.compute.training_traffic import training_traffic
from spanledger.compute.vision import VisionTower
from spanledger.compute.vram import VramEstimate, estimate_vram, kv_cache_bytes, weight_bytes
from spanledger.compute.whatif import BreakEven, ServingPoint, break_even, frontier, serving_point

__all__ = [
    "ArchitectureError",
    "BreakEven",
    "CallEstimate",
    "Efficiency",
    "Estimate",
    "Exactness",
    "FlopsEstimate",
    "ForwardFlops",
    "Gpu",
    "KnownModel",
    "Method",
    "ModelArchitecture",
    "Parameters",
    "ReplicaVram",
    "ServingPoint",
    "SpeculativeFlops",
    "StepEstimate",
    "TrainingFlops",
    "VisionTower",
    "VramEstimate",
    "bandwidth_utilisation",
    "break_even",
    "estimate_call",
    "estimate_flops",
    "estimate_replica",
    "estimate_step",
    "estimate_vram",
    "expected_tokens_per_step",
    "flops_utilisation",
    "forward_flops",
    "frontier",
    "gpu",
    "gpus",
    "kv_cache_bytes",
    "read_weight_bytes",
    "recognise",
    "recognise_gpu",
    "request_share_bytes",
    "serving_point",
    "speculative_flops",
    "training_flops",
    "training_gpu_hours",
    "training_state_bytes",
    "training_traffic",
    "weight_bytes",
]
