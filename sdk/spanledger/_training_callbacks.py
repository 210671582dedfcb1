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
from typing import Any, Final, Protocol, cast

from spanledger._guard import guarded

_log = logging.getLogger("spanledger")
_LIGHTNING: Final = ("lightning.pytorch", "pytorch_lightning")
_NOT_COUNTED: Final = ("no", "false", "none")


class Run(Protocol):
    """The part of a training run that callbacks speak to."""

    def step(self, *, tokens: int = 0, stalled_seconds: float = 0.0) -> None:
        """Count a step."""

    def checkpoint(self, size_bytes: int = 0) -> None:
        """Count a checkpoint."""

    def learn_model(self, config: Mapping[str, object]) -> None:
        """The architecture."""


class Steps:
    """The time between steps is time in which data was waited for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ended = time.perf_counter()
        self._stalled = 0.0
        self._seen_tokens = 0

    def began(self) -> None:
        """A step begins: what was before it was waiting."""
        self._stalled += time.perf_counter() - self._ended

    def ended(self, tokens: int) -> None:
        """A step is over."""
        self._run.step(tokens=tokens, stalled_seconds=self._stalled)
        self._stalled = 0.0
        self._ended = time.perf_counter()

    def ended_at(self, tokens_so_far: int) -> None:
        """A step is over, told with all tokens so far."""
        self.ended(tokens_so_far - self._seen_tokens)
        self._seen_tokens = tokens_so_far


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
        def on_train_begin(self, args: Any, _state: Any, _control: Any, **given: Any) -> None:
            if str(getattr(args, "include_num_input_tokens_seen", "no")).lower() in _NOT_COUNTED:
                _log.warning(
                    "tokens and FLOPs of a training run are not known: give TrainingArguments "
                    "include_num_input_tokens_seen='all'"
                )
            model = given.get("model")
            if model is not None:
                run.learn_model(model.config.to_dict())
            steps.__init__(run)  # what was before the first step was setting up

        @guarded(None)
        def on_step_begin(self, _args: Any, _state: Any, _control: Any, **_given: Any) -> None:
            steps.began()

        @guarded(None)
        def on_step_end(self, _args: Any, state: Any, _control: Any, **_given: Any) -> None:
            steps.ended_at(int(state.num_input_tokens_seen))

        @guarded(None)
        def on_save(self, args: Any, state: Any, _control: Any, **_given: Any) -> None:
            run.checkpoint(_size(Path(args.output_dir) / f"checkpoint-{state.global_step}"))

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
        def on_train_start(self, _trainer: Any, module: Any) -> None:
            config: Any = getattr(getattr(module, "model", None), "config", None)
            if hasattr(config, "to_dict"):
                run.learn_model(config.to_dict())
            steps.__init__(run)

        @guarded(None)
        def on_train_batch_start(self, _trainer: Any, _module: Any, _batch: Any, _at: Any) -> None:
            steps.began()

        @guarded(None)
        def on_train_batch_end(
            self, trainer: Any, _module: Any, _outputs: Any, batch: Any, _at: Any
        ) -> None:
            steps.ended(_tokens(batch) * int(trainer.world_size))

        @guarded(None)
        def on_save_checkpoint(self, _trainer: Any, _module: Any, _checkpoint: Any) -> None:
            run.checkpoint()

    return Told()


def _tokens(batch: Any) -> int:
    ids: Any = batch
    if hasattr(batch, "keys"):
        ids = batch["input_ids"] if "input_ids" in batch else None  # noqa: SIM401 -- not a dict
    elif isinstance(batch, list | tuple):
        ids = next(iter(cast("list[Any]", batch)), None)
    return int(ids.numel()) if hasattr(ids, "numel") else 0


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
