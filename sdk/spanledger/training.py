"""Training as an asset: what a run of it took becomes capital that the runs it serves carry.

::

    with spanledger.training_run("support-ft-7", usd_per_gpu_hour="2.95", model=config) as run:
        for batch in batches:
            ...
            run.step(tokens=batch.numel())

or ``Trainer(..., callbacks=[run.transformers_callback()])``, or Lightning's
``Trainer(callbacks=[run.lightning_callback()])``. One span tells GPU-hours, FLOPs,
utilisation, throughput, how long it waited for data, and checkpoints; one entry books GPU-hours x
rate as a measured cost of the asset (:mod:`spanledger.assets`), also of a run that failed: it
was paid. Nothing here imports torch; where the application has, its GPUs are counted. Where several
processes train together (``torchrun``, ``accelerate``, Lightning) the first tells all of it, once.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import AttributeValue

from spanledger import assets, semconv
from spanledger._guard import guarded
from spanledger._training import world
from spanledger._training.callbacks import lightning_callback, transformers_callback
from spanledger._training.work import TrainingWork
from spanledger._work import scope
from spanledger._work.recording import Amount, exact, write

if TYPE_CHECKING:  # the physics are loaded where a run of training is measured, not with the SDK
    from spanledger.compute import Estimate, Gpu, ModelArchitecture
    from spanledger.compute.training import TrainingMethod

_log = logging.getLogger("spanledger")
_SECONDS_AN_HOUR: Final = 3600
_TWELVE: Final = Decimal("1E-12")
#: What the cost is booked in where nobody gave a rate: hours of this device.
_GPU_HOUR: Final = "GPU-HOUR"
_NO_GPU: Final = "cpu"
_INT64_MAX: Final = 2**63 - 1

Model: TypeAlias = "ModelArchitecture | Mapping[str, object] | str"


class TrainingRun:
    """What is told of a run of training while it goes on. Made by :func:`training_run`.

    Attributes:
        asset: what it makes.
        gpus: GPUs that it holds.
        gpu: name of their device; ``cpu`` without any.
        tokens: trained on so far.
        steps: taken so far.
        checkpoints: written so far.
    """

    def __init__(
        self,
        asset: str,
        *,
        gpus: int,
        gpu: str,
        model: ModelArchitecture | None,
        method: TrainingMethod | None,
        checkpointing: bool | None,
        sequence_tokens: int | None,
    ) -> None:
        self.asset = asset
        self.gpus = gpus
        self.gpu = gpu
        self.tokens = 0
        self.steps = 0
        self.checkpoints = 0
        self._model = model
        self._method: TrainingMethod | None = method
        self._checkpointing = checkpointing
        self._work_of = TrainingWork(sequence_tokens or 0)
        self._flops: int | None = None
        self._moved_bytes = 0.0
        self._passes = self._updates = 0
        self._stalled_seconds = 0.0
        self._checkpoint_bytes = 0
        self._started = time.perf_counter()
        self._ended = 0.0

    @guarded(None)
    def step(
        self,
        *,
        tokens: int = 0,
        sequences: int = 0,
        stalled_seconds: float = 0.0,
        flops: int | None = None,
        moved_bytes: float = 0.0,
        passes: int = 1,
        updates: int = 1,
    ) -> None:
        """Count a step.

        Args:
            tokens: trained on, over all GPUs of all processes.
            sequences: that they lie in: what attention costs depends on their length.
            stalled_seconds: in which the GPUs waited for data.
            flops: model FLOPs, where you know them better than the formula does.
            moved_bytes: read and written in the GPUs' memory, where something measured it.
            passes: ways forth and back of each GPU: batches whose gradients were added up.
            updates: times that the optimizer changed the weights.
        """
        self.steps += 1
        self._passes += max(0, passes)
        self._updates += max(0, updates)
        self.tokens += max(0, tokens)
        self._work_of.add(max(0, tokens), sequences)
        self._stalled_seconds += max(0.0, stalled_seconds)
        self._moved_bytes += max(0.0, moved_bytes)
        if flops is not None:
            self._flops = (self._flops or 0) + flops

    @guarded(None)
    def checkpoint(self, size_bytes: int = 0) -> None:
        """Count a checkpoint that was written."""
        self.checkpoints += 1
        self._checkpoint_bytes += max(0, size_bytes)

    @guarded(None)
    def learn_model(self, config: Mapping[str, object]) -> None:
        """The architecture by its ``config.json``, where none was given."""
        if self._model is None:
            from spanledger.compute import ModelArchitecture

            self._model = ModelArchitecture.from_hf_config(config, name=self.asset)

    @guarded(None)
    def learn_method(self, method: TrainingMethod, *, checkpointing: bool) -> None:
        """What is trained and whether activations are computed again, where it was not given."""
        self._method = self._method or method
        if self._checkpointing is None:
            self._checkpointing = checkpointing

    def transformers_callback(self) -> Any:
        """A callback for the Trainer of transformers.

        Raises:
            RuntimeError: the application has not imported transformers.
        """
        return transformers_callback(self)

    def lightning_callback(self) -> Any:
        """A callback for the Trainer of Lightning (``lightning`` or ``pytorch_lightning``).

        Raises:
            RuntimeError: the application has not imported it.
        """
        return lightning_callback(self)

    def seconds(self) -> float:
        """Since its begin, until its end."""
        return (self._ended or time.perf_counter()) - self._started

    def gpu_hours(self) -> Decimal:
        """GPUs x time, with 12 decimals."""
        hours = Decimal(repr(self.seconds() * self.gpus)) / _SECONDS_AN_HOUR
        return hours.quantize(_TWELVE, rounding=ROUND_HALF_EVEN)

    def end(self) -> None:
        """Stop its clock."""
        self._ended = time.perf_counter()

    def attributes(self) -> dict[str, AttributeValue]:
        """What the run came to, as attributes; what is not known is left out."""
        seconds = self.seconds()
        told: dict[str, AttributeValue] = {
            semconv.TRAINING_ASSET: self.asset,
            semconv.TRAINING_GPU_HOURS: f"{self.gpu_hours():f}",
            semconv.TRAINING_STEPS: self.steps,
            semconv.TRAINING_TOKENS: self.tokens,
            semconv.TRAINING_TOKENS_PER_SECOND: self.tokens / seconds,
            semconv.TRAINING_STALL_SHARE: min(1.0, self._stalled_seconds / seconds),
            semconv.TRAINING_CHECKPOINTS: self.checkpoints,
            semconv.TRAINING_CHECKPOINT_BYTES: self._checkpoint_bytes,
            semconv.GPU_SECONDS: seconds * self.gpus,
            semconv.GPU_MODEL: self.gpu,
            semconv.GPU_COUNT: self.gpus,
        }
        from spanledger.compute import recognise_gpu

        device = recognise_gpu(self.gpu)
        if device is not None:
            told |= self._bandwidth(device, seconds)
        return told | self._work(device, seconds)

    def _bandwidth(self, device: Gpu, seconds: float) -> dict[str, AttributeValue]:
        """What share of the memory bandwidth was used: measured, else by what had to be moved.

        An estimate above the bandwidth itself is cut off there.
        """
        from spanledger.compute import bandwidth_utilisation, training_traffic

        def share(moved: float) -> float:
            return bandwidth_utilisation(moved, seconds, bandwidth=device.bandwidth, gpus=self.gpus)

        if self._moved_bytes:
            return {
                semconv.TRAINING_MBU: share(self._moved_bytes),
                semconv.TRAINING_MBU_METHOD: "measured",
            }
        if self._model is None or not self.tokens:
            return {}
        moved = training_traffic(
            self._model, self.tokens, passes=self._passes, updates=self._updates,
            method=self._method or "full", checkpointing=bool(self._checkpointing), gpus=self.gpus,
        )  # fmt: skip
        if moved is None:
            return {}
        return {
            semconv.TRAINING_MBU: min(share(moved.value), 1.0),
            semconv.TRAINING_MBU_LOW: min(share(moved.low), 1.0),
            semconv.TRAINING_MBU_HIGH: min(share(moved.high), 1.0),
            semconv.TRAINING_MBU_METHOD: moved.method,
        }

    def _work(self, device: Gpu | None, seconds: float) -> dict[str, AttributeValue]:
        """FLOPs of the model and of the hardware, and what share of the peak they come to."""
        from spanledger.compute import flops_utilisation

        flops = self._estimates()
        if flops is None:
            return {}
        model, hardware = flops
        told: dict[str, AttributeValue] = {semconv.FLOPS_METHOD: model.method}
        if model.high <= _INT64_MAX:  # what no integer of a span holds stands in the text alone
            told[semconv.FLOPS_TOTAL] = int(model.value)
            told[semconv.FLOPS_LOW], told[semconv.FLOPS_HIGH] = int(model.low), int(model.high)
        told[semconv.TRAINING_FLOPS] = str(int(model.value))
        told[semconv.TRAINING_HARDWARE_FLOPS] = str(int(hardware.value))
        if device is not None:
            for name, work in (
                (semconv.TRAINING_MFU, model),
                (semconv.TRAINING_HFU, hardware),
            ):
                told[name] = flops_utilisation(
                    work.value, seconds, peak=device.peak(), gpus=self.gpus
                )
        return told

    def _estimates(self) -> tuple[Estimate, Estimate] | None:
        from spanledger.compute import Estimate

        if self._flops is not None:
            one = Estimate(
                self._flops, self._flops, self._flops, "FLOP", "measured", "the application"
            )
            return one, one
        if self._model is None:
            return None
        return self._work_of.estimates(
            self._model, self._method or "full", checkpointing=bool(self._checkpointing)
        )


@contextmanager
def training_run(
    asset: str,
    *,
    usd_per_gpu_hour: Amount | None = None,
    gpus: int | None = None,
    gpu: str = "",
    model: Model | None = None,
    method: TrainingMethod | None = None,
    checkpointing: bool | None = None,
    sequence_tokens: int | None = None,
    record_id: str = "",
) -> Generator[TrainingRun]:
    """A run of training that makes an asset, or a part of one.

    What goes wrong in the block is raised as ever; the run is then told as failed, and its cost is
    booked all the same.

    Args:
        asset: id of the asset, as in :func:`spanledger.assets.book_cost`.
        usd_per_gpu_hour: the rate; None = the cost is booked in hours of the GPU, which count at
            the rate of the collector's price file (``gpu_hours``); without a GPU no cost is booked
            (the log says so).
        gpus: GPUs that are held, by all processes; None = one a process where several train
            together (``WORLD_SIZE``), else as many as torch has, where it is imported, else 1.
        gpu: their device; empty = as torch says, else ``cpu``.
        model: architecture for the FLOPs: a ``config.json``, an id, or ours; the callbacks know it.
        method: ``full``, ``lora`` where only adapters are trained, ``partial`` where some of the
            weights are; None = as the callbacks find it, else ``full``.
        checkpointing: activations are computed again on the way back; None likewise, else no.
        sequence_tokens: length of every sequence; None = as steps tell it. Where they do not
            either, the interval of the FLOPs is wide (``assumed``).
        record_id: names the cost entry: the same name again is the same entry.
    """
    found, device = _devices()
    run = TrainingRun(
        asset,
        gpus=(world.size() or found) if gpus is None else max(1, gpus),
        gpu=gpu or device,
        model=_architecture(model),
        method=method,
        checkpointing=checkpointing,
        sequence_tokens=sequence_tokens,
    )
    if not world.is_first():  # every process holds the same GPUs of the same run
        yield run
        return
    span = scope.tracer().start_span(f"train {scope.clean(asset)}")
    failure = ""
    try:
        yield run
    except BaseException as error:
        failure = type(error).__qualname__
        span.set_attribute(semconv.ERROR_TYPE, failure)
        span.set_status(Status(StatusCode.ERROR))
        raise
    finally:
        run.end()
        told = _told(run, failure)
        span.set_attributes(told)
        span.end()
        _book(run, told, usd_per_gpu_hour, record_id, failure)


@guarded(None)
def _book(
    run: TrainingRun,
    told: dict[str, AttributeValue],
    rate: Amount | None,
    record_id: str,
    failure: str,
) -> None:
    """The cost entry, with the figures it rests on; GPU time stands on the run's span alone."""
    usd = None if rate is None else exact(rate)
    in_hours = rate is None and run.gpu != _NO_GPU
    if not in_hours and (usd is None or usd < 0):
        _log.warning(
            "training run of asset %r has no cost: give usd_per_gpu_hour, a decimal number from 0",
            run.asset,
        )
        return
    amount, currency = run.gpu_hours(), f"{_GPU_HOUR} {scope.clean(run.gpu).upper()}"
    if usd is not None:
        amount = (amount * usd).quantize(_TWELVE, rounding=ROUND_HALF_EVEN)
        currency = "USD"
    figures = {key: value for key, value in told.items() if key.startswith("spanledger.training.")}
    write(
        "asset cost",
        assets.cost_attributes(run.asset, amount, measured=True, currency=currency) | figures,
        {"record_id": record_id, "reason": f"failed: {failure}" if failure else "training run"},
        apart=True,
    )


def _told(run: TrainingRun, failure: str) -> dict[str, AttributeValue]:
    told = guarded(dict[str, AttributeValue]())(run.attributes)()
    return {**told, semconv.TRAINING_FAILED: bool(failure)}


@guarded(None)
def _architecture(model: Model | None) -> ModelArchitecture | None:
    if model is None:
        return None
    from spanledger.compute import ModelArchitecture, recognise

    if isinstance(model, ModelArchitecture):
        return model
    if isinstance(model, str):
        known = recognise(model)
        return None if known is None else ModelArchitecture.from_catalogue(known.name)
    return ModelArchitecture.from_hf_config(model)


def _devices() -> tuple[int, str]:
    """How many GPUs torch has, where the application imported it, and what they are called."""
    found = guarded(None)(_torch_devices)()
    return found or (1, _NO_GPU)


def _torch_devices() -> tuple[int, str] | None:
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return int(torch.cuda.device_count()), str(torch.cuda.get_device_name(0))
