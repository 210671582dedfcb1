"""Trains a small model with transformers' Trainer, then with Lightning's; prints what was told.

The argument is a folder for checkpoints. The model has random weights and runs on the CPU.
"""

import json
import logging
import sys
import time
import warnings

import pytorch_lightning
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

import spanledger
from spanledger.testing import capture_spans

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")
torch.set_num_threads(1)  # several on a busy machine wait for each other at every matrix

GPU = "NVIDIA H100 80GB HBM3"
CONFIG = LlamaConfig(
    vocab_size=128, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
)  # fmt: skip


class Sentences(torch.utils.data.Dataset):
    """Twelve of 16 tokens."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        ids = torch.arange(index, index + 16) % 128
        return {"input_ids": ids, "labels": ids}


class Slow(Sentences):
    """Takes three seconds to read."""

    def __getitem__(self, index):
        time.sleep(0.25)
        return super().__getitem__(index)


class Module(pytorch_lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = LlamaForCausalLM(CONFIG)

    def training_step(self, batch, _index):
        return self.model(**batch).loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def with_transformers(folder):
    arguments = TrainingArguments(
        output_dir=folder, per_device_train_batch_size=2, max_steps=3, save_steps=3,
        include_num_input_tokens_seen="all", report_to=[], disable_tqdm=True, use_cpu=True,
        logging_strategy="no",
    )  # fmt: skip
    # Named as if on a GPU: its bandwidth is what utilisation is reckoned from.
    with spanledger.training_run("ft", usd_per_gpu_hour="3.60", gpu=GPU) as run:
        Trainer(
            model=LlamaForCausalLM(CONFIG), args=arguments, train_dataset=Sentences(),
            callbacks=[run.transformers_callback()],
        ).train()  # fmt: skip


def with_lightning(folder):
    loader = torch.utils.data.DataLoader(Sentences(), batch_size=3)
    with spanledger.training_run("ft-2", usd_per_gpu_hour="3.60", gpu=GPU) as run:
        pytorch_lightning.Trainer(
            max_steps=4, accelerator="cpu", logger=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=folder,
            callbacks=[run.lightning_callback()],
        ).fit(Module(), loader)  # fmt: skip


def without_counting(folder):
    """The Trainer as it is by default: it counts no tokens."""
    arguments = TrainingArguments(
        output_dir=folder, per_device_train_batch_size=2, max_steps=1, report_to=[],
        disable_tqdm=True, use_cpu=True, logging_strategy="no", save_strategy="no",
    )  # fmt: skip
    said = []
    logger = logging.getLogger("spanledger")
    logger.addFilter(lambda record: said.append(record.getMessage()) or True)
    logging.disable(logging.NOTSET)
    with spanledger.training_run("ft-3", usd_per_gpu_hour="3.60") as run:
        Trainer(
            model=LlamaForCausalLM(CONFIG), args=arguments, train_dataset=Sentences(),
            callbacks=[run.transformers_callback()],
        ).train()  # fmt: skip
    return said


def resumed(folder):
    """Two steps more, evaluated after each."""
    arguments = TrainingArguments(
        output_dir=folder, per_device_train_batch_size=2, max_steps=5, report_to=[],
        include_num_input_tokens_seen="all", disable_tqdm=True, use_cpu=True,
        logging_strategy="no", eval_strategy="steps", eval_steps=1, gradient_checkpointing=True,
        save_strategy="no",
    )  # fmt: skip
    with spanledger.training_run("ft-4", usd_per_gpu_hour="3.60") as run:
        Trainer(
            model=LlamaForCausalLM(CONFIG), args=arguments, train_dataset=Sentences(),
            eval_dataset=Slow(),
            callbacks=[run.transformers_callback()],
        ).train(resume_from_checkpoint=f"{folder}/checkpoint-3")  # fmt: skip


def frozen(folder):
    """One step in which a layer is not trained."""
    arguments = TrainingArguments(
        output_dir=folder, per_device_train_batch_size=2, max_steps=1, report_to=[],
        include_num_input_tokens_seen="all", disable_tqdm=True, use_cpu=True,
        logging_strategy="no", save_strategy="no",
    )  # fmt: skip
    model = LlamaForCausalLM(CONFIG)
    model.model.layers[0].requires_grad_(requires_grad=False)
    with spanledger.training_run("ft-5", usd_per_gpu_hour="3.60") as run:
        Trainer(
            model=model, args=arguments, train_dataset=Sentences(),
            callbacks=[run.transformers_callback()],
        ).train()  # fmt: skip


def main() -> None:
    with capture_spans() as captured:
        with_transformers(sys.argv[1])
        with_lightning(sys.argv[1])
        resumed(sys.argv[1])
        frozen(sys.argv[1])
        said = without_counting(sys.argv[1])
    told = [
        {"name": span.name, "seconds": (span.end_time - span.start_time) / 1e9, **span.attributes}
        for span in captured.spans
    ]
    answer = {"config": CONFIG.to_dict(), "spans": told, "said": said}
    sys.stdout.write("\n" + json.dumps(answer, default=str))


if __name__ == "__main__":
    main()
