"""Callbacks that tell a training run of its steps: for transformers and for Lightning.

The classes are made when they are asked for, from the base class of the library that the
application has imported; nothing is imported here.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from spanledger._guard import guarded

if TYPE_CHECKING:
    from spanledger.compute.training import TrainingMethod

_log = logging.getLogger("spanledger")
_LIGHTNING: Final = ("lightning.pytorch", "pytorch_lightning")
#: Adapters beside which parts of the model itself are trained weigh more.
_ADAPTERS_MOST: Final = 0.1
_NOT_COUNTED: Final = ("no", "false", "none")


class Run(Protocol):
    """The part of a training run that callbacks speak to."""

    def step(
        self,
        *,
        tokens: int = 0,
        sequences: int = 0,
        stalled_seconds: float = 0.0,
        passes: int = 1,
        updates: int = 1,
    ) -> None:
        """Count a step."""

    def checkpoint(self, size_bytes: int = 0) -> None:
        """Count a checkpoint."""

    def learn_model(self, config: Mapping[str, object]) -> None:
        """The architecture."""

    def learn_method(self, method: TrainingMethod, *, checkpointing: bool) -> None:
        """What is trained, and whether activations are computed again."""


class Steps:
    """The time between steps is time in which data was waited for, but for what else is told.

    Args:
        run: who is told.
        seen_tokens: tokens that were trained on before, by a run that this one goes on with.
    """

    def __init__(self, run: Run, seen_tokens: int = 0) -> None:
        self._run = run
        self._seen_tokens = seen_tokens
        self._stalled = 0.0
        self._waits_from = time.perf_counter()

    def began(self) -> None:
        """A step begins: what was before it was waiting."""
        self._stalled += max(0.0, time.perf_counter() - self._waits_from)

    def ended(self, tokens: int, sequences: int, *, passes: int = 1, updates: int = 1) -> None:
        """A step is over."""
        self._run.step(
            tokens=tokens, sequences=sequences, stalled_seconds=self._stalled, passes=passes,
            updates=updates,
        )  # fmt: skip
        self._stalled = 0.0
        self.worked()

    def ended_at(self, tokens_so_far: int, sequences: int, *, passes: int = 1) -> None:
        """A step is over, told with all tokens so far."""
        self.ended(tokens_so_far - self._seen_tokens, sequences, passes=passes)
        self._seen_tokens = tokens_so_far

    def worked(self) -> None:
        """Until now something else was done: an evaluation, a log, a checkpoint."""
        self._waits_from = time.perf_counter()

    def works_on(self) -> None:
        """Something else is done, and nothing tells when it ends: no wait before the next step."""
        self._waits_from = float("inf")


def transformers_callback(run: Run) -> Any:
    """A callback for ``transformers.Trainer``.

    Tokens are those that the Trainer counts, over all its processes. It counts none unless
    ``include_num_input_tokens_seen`` is set; then FLOPs are not known either, and the log says so.

    Raises:
        RuntimeError: transformers is not imported.
    """
    library: Any = sys.modules.get("transformers")
    if library is None:
        raise RuntimeError("import transformers first: its callback class is needed")
    steps = Steps(run)

    class Told(library.TrainerCallback):
        @guarded(None)
        def on_train_begin(self, args: Any, state: Any, _control: Any, **given: Any) -> None:
            if str(getattr(args, "include_num_input_tokens_seen", "no")).lower() in _NOT_COUNTED:
                _log.warning(
                    "tokens and FLOPs of a training run are not known: give TrainingArguments "
                    "include_num_input_tokens_seen='all'"
                )
            _look_at(run, given.get("model"), args)
            # What was before the first step was setting up; a run that is resumed has seen tokens.
            steps.__init__(run, int(getattr(state, "num_input_tokens_seen", 0)))

        @guarded(None)
        def on_step_begin(self, _args: Any, _state: Any, _control: Any, **_given: Any) -> None:
            steps.began()

        @guarded(None)
        def on_step_end(self, args: Any, state: Any, _control: Any, **_given: Any) -> None:
            passes = int(args.gradient_accumulation_steps)
            steps.ended_at(int(state.num_input_tokens_seen), _sequences(args), passes=passes)

        @guarded(None)
        def on_log(self, _args: Any, _state: Any, _control: Any, **_given: Any) -> None:
            steps.worked()

        on_evaluate = on_log

        @guarded(None)
        def on_save(self, args: Any, state: Any, _control: Any, **_given: Any) -> None:
            run.checkpoint(_size(Path(args.output_dir) / f"checkpoint-{state.global_step}"))
            steps.worked()

    return Told()


def lightning_callback(run: Run) -> Any:
    """A callback for the Trainer of Lightning.

    Tokens are the numbers of the batch's ``input_ids``, or of the batch where it is one tensor.

    Raises:
        RuntimeError: Lightning is not imported.
    """
    library: Any = next((sys.modules[name] for name in _LIGHTNING if name in sys.modules), None)
    if library is None:
        raise RuntimeError("import lightning or pytorch_lightning first: its Callback is needed")
    steps = Steps(run)

    class Told(library.Callback):
        @guarded(None)
        def on_train_start(self, trainer: Any, module: Any) -> None:
            self._updates = int(trainer.global_step)
            config: Any = getattr(getattr(module, "model", None), "config", None)
            if hasattr(config, "to_dict"):
                run.learn_model(_told(module.model))
            run.learn_method(_method(module), checkpointing=_recomputes(module))
            steps.__init__(run)

        @guarded(None)
        def on_train_batch_start(self, _trainer: Any, _module: Any, _batch: Any, _at: Any) -> None:
            steps.began()

        @guarded(None)
        def on_train_batch_end(
            self, trainer: Any, _module: Any, _outputs: Any, batch: Any, _at: Any
        ) -> None:
            tokens, sequences = _counts(batch)
            everywhere = int(trainer.world_size)
            updates, self._updates = int(trainer.global_step) - self._updates, trainer.global_step
            steps.ended(tokens * everywhere, sequences * everywhere, updates=updates)

        @guarded(None)
        def on_validation_end(self, _trainer: Any, _module: Any) -> None:
            steps.worked()

        @guarded(None)
        def on_save_checkpoint(self, _trainer: Any, _module: Any, _checkpoint: Any) -> None:
            run.checkpoint()
            steps.works_on()  # it is written after this

    return Told()


def _look_at(run: Run, model: Any, args: Any) -> None:
    if model is not None:
        run.learn_model(_told(model))
        again = bool(getattr(args, "gradient_checkpointing", False)) or _recomputes(model)
        run.learn_method(_method(model), checkpointing=again)


def _counts(batch: Any) -> tuple[int, int]:
    """Tokens of a batch, and the sequences that they lie in."""
    ids: Any = batch
    if hasattr(batch, "keys"):
        ids = batch["input_ids"] if "input_ids" in batch else None  # noqa: SIM401 -- not a dict
    elif isinstance(batch, list | tuple):
        ids = next(iter(cast("list[Any]", batch)), None)
    if not hasattr(ids, "numel"):
        return 0, 0
    return int(ids.numel()), int(ids.shape[0]) if ids.ndim > 1 else 1


def _sequences(args: Any) -> int:
    """Of a whole step of a Trainer; 0 where one holds several texts that do not see each other."""
    if getattr(args, "packing", False) or getattr(args, "padding_free", False):
        return 0
    return int(args.train_batch_size * args.gradient_accumulation_steps * args.world_size)


def _method(model: Any) -> TrainingMethod:
    """What is trained of a model: all, adapters (as PEFT marks them), or some of its weights."""
    weights: list[Any] = list(model.parameters())
    whole = sum(int(one.numel()) for one in weights)
    trained = sum(int(one.numel()) for one in weights if one.requires_grad)
    if trained == whole:
        return "full"
    adapters = any(hasattr(one, "peft_config") for one in model.modules())
    return "lora" if adapters and trained <= whole * _ADAPTERS_MOST else "partial"


def _recomputes(model: Any) -> bool:
    return any(getattr(one, "is_gradient_checkpointing", False) for one in model.modules())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _told(model: Any) -> dict[str, object]:
    """The config of a model of transformers, and what it was built as: a head may be a new one."""
    return {**model.config.to_dict(), "architectures": [type(model).__name__]}
