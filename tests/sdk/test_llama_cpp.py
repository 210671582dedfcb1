"""llama-cpp-python in this process, on a model of random weights that the test writes.

The package is source that a compiler works on for many minutes, so it is in no environment of the
tests: ``pip install llama-cpp-python gguf`` runs these (tried with 0.3.36). What needs neither is
tested everywhere.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support import tiny_gguf

from spanledger import semconv
from spanledger._guard import internal_errors
from spanledger._local.gguf import architecture_of
from spanledger._patches.registry import instrument, uninstrument
from spanledger.compute import ModelArchitecture, estimate_flops
from spanledger.engines.llama_cpp import Counters, _places
from spanledger.testing import CapturedSpans, capture_spans

PROMPT = [1, *range(259, 289)]
GREEDY: Mapping[str, Any] = {"temperature": 0, "max_tokens": 5}
METADATA = {
    "general.architecture": "llama", "llama.block_count": "16", "llama.embedding_length": "2048",
    "llama.feed_forward_length": "8192", "llama.attention.head_count": "32",
    "llama.attention.head_count_kv": "8", "llama.attention.key_length": "64",
}  # fmt: skip


def test_the_architecture_of_a_file_adds_up_to_its_weights() -> None:
    """Llama 3.2 1B, whose head is its embedding; with other weights it is not known."""
    found = architecture_of(METADATA, 128_256, 1_235_814_400)
    assert found is not None
    known = ModelArchitecture.from_catalogue("llama-3.2-1b")
    assert (found.params, found.tied, found.is_exact) == (known.params, True, True)
    apart = architecture_of(METADATA, 128_256, 1_235_814_400 + 128_256 * 2048)
    assert apart is not None
    assert not apart.tied
    assert architecture_of(METADATA, 128_256, 1_235_814_401) is None
    assert architecture_of({"general.architecture": "mamba"}, 1, 1) is None
    assert architecture_of({"general.architecture": "llama"}, 1, 1) is None
    odd = METADATA | {"llama.attention.head_count": "[8, 8]"}
    assert architecture_of(odd, 128_256, 1_235_814_400) is None


def test_counters_that_were_set_to_0_meanwhile() -> None:
    """With ``verbose`` the package itself sets them to 0: then all of them is the call's."""
    before = Counters(1.0, 100, 10.0, 20, 5.0)
    assert Counters(1.0, 130, 14.0, 25, 6.0).after(before) == Counters(1.0, 30, 4.0, 5, 1.0)
    assert Counters(2.0, 30, 4.0, 5, 1.0).after(before) == Counters(2.0, 30, 4.0, 5, 1.0)


def test_layers_lie_on_all_gpus_unless_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As llama.cpp deals them out: over all that are visible, by shares, or on one."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3,5")
    library = SimpleNamespace(llama_supports_gpu_offload=lambda: True)

    def places(layers: int, mode: int, shares: Sequence[float] | None = None) -> Sequence[str]:
        model = SimpleNamespace(n_gpu_layers=layers, split_mode=mode, main_gpu=2)
        return _places(library, SimpleNamespace(model_params=model, tensor_split=shares))

    assert places(99, 1) == ("cuda:0", "cuda:1", "cuda:2")
    assert places(99, 1, [1.0, 0.0, 2.0]) == ("cuda:0", "cuda:2")
    assert places(99, 0) == ("cuda:2",)
    assert places(0, 1) == ("cpu",)


@pytest.fixture(name="library")
def _library() -> Generator[Any]:
    reason = "needs llama-cpp-python and gguf: pip install llama-cpp-python gguf"
    library = pytest.importorskip("llama_cpp", reason=reason)
    pytest.importorskip("gguf", reason=reason)
    before = internal_errors()
    instrument(["llama-cpp-python"])
    yield library
    uninstrument(["llama-cpp-python"])
    assert internal_errors() == before


@pytest.fixture(name="model")
def _model(tmp_path: Path, library: Any) -> Path:
    assert library
    path = tmp_path / "tiny.gguf"
    tiny_gguf.write(path, pytest.importorskip("gguf"), pytest.importorskip("numpy"))
    return path


def _loaded(library: Any, path: Path, **given: Any) -> Any:
    named = {"n_ctx": 256, "verbose": False, "n_threads": 1, "n_threads_batch": 1} | given
    return library.Llama(str(path), **named)


def _told(captured: CapturedSpans) -> list[dict[str, Any]]:
    return [dict(span.attributes or {}) for span in captured.spans]


def _used(told: Mapping[str, Any]) -> Sequence[int]:
    names = (
        semconv.USAGE_INPUT_TOKENS, semconv.USAGE_CACHE_READ_TOKENS, semconv.USAGE_OUTPUT_TOKENS,
    )  # fmt: skip
    return [told[name] for name in names]


@pytest.mark.parametrize("verbose", [False, True])
def test_completions(library: Any, model: Path, verbose: bool) -> None:
    """Tokens of the answer, those found in the cache, FLOPs, memory, llama.cpp's own times."""
    with capture_spans() as captured:
        llama = _loaded(library, model, verbose=verbose)
        first = llama.create_completion(PROMPT, **GREEDY)
        llama([*PROMPT, 300, 301], **GREEDY)
        stream = list(llama.create_completion(PROMPT[:20], stream=True, **GREEDY))
        again = list(llama.create_completion(PROMPT[:20], stream=True, **GREEDY))
    load, *calls = _told(captured)
    assert captured.names() == ["load_model tiny.gguf"] + ["text_completion tiny.gguf"] * 4
    arch = ModelArchitecture.from_hf_config({**tiny_gguf.CONFIG, "vocab_size": 359})
    assert load[semconv.VRAM_WEIGHTS_BYTES] == 4 * arch.params.total
    assert load[semconv.GPU_SECONDS] > 0
    assert first["usage"] == {"prompt_tokens": 31, "completion_tokens": 5, "total_tokens": 36}
    assert [_used(told) for told in calls] == [[31, 0, 5], [33, 31, 5], [20, 19, 5], [20, 19, 5]]
    for told, parts in zip(calls, ((31, 0, 5), (33, 31, 5), (20, 19, 5)), strict=False):
        assert told[semconv.FLOPS_TOTAL] == estimate_flops(arch, *parts).total.value
        assert told[semconv.FLOPS_METHOD] == "exact"
        assert told[semconv.VRAM_SOURCE] == "measured:f32"
        assert told[semconv.GPU_MODEL] == "cpu"
        assert told[semconv.RESPONSE_MODEL] == "tiny.gguf"
        assert told[semconv.RESPONSE_FINISH_REASONS] == ("length",)
    assert calls[0][semconv.SERVER_PREFILL_NS] > 0
    assert calls[0][semconv.SERVER_DECODE_NS] > 0
    assert [one["choices"][0]["text"] for one in stream] == [
        one["choices"][0]["text"] for one in again
    ]
    assert calls[2][semconv.GPU_SECONDS] > 0
    assert calls[2][semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0


@pytest.mark.filterwarnings("ignore:Detected duplicate leading:RuntimeWarning")
def test_chats_are_told_once_and_streams_as_far_as_they_were_read(
    library: Any, model: Path
) -> None:
    """A chat makes a completion inside; a stream that is closed early is partial."""
    messages = [{"role": "user", "content": "w1 w2 w3"}]
    with capture_spans() as captured:
        llama = _loaded(library, model)
        answer = llama.create_chat_completion(messages, **GREEDY)
        whole = list(llama.create_chat_completion(messages, stream=True, **GREEDY))
        stream = llama.create_completion(PROMPT, stream=True, temperature=0, max_tokens=50)
        next(stream)
        stream.close()
        with pytest.raises(ValueError, match="exceed context window"):
            llama.create_completion([1] * 500)
    _, chat, streamed, closed, failed = _told(captured)
    assert captured.names()[1:3] == ["chat tiny.gguf"] * 2
    prompt = answer["usage"]["prompt_tokens"]
    assert _used(chat) == [prompt, 0, 5]
    assert _used(streamed) == [prompt, prompt - 1, 5]
    assert whole[-1]["choices"][0]["finish_reason"] == "length"
    assert closed[semconv.USAGE_PARTIAL]
    assert 1 <= closed[semconv.USAGE_OUTPUT_TOKENS] < 50
    assert failed[semconv.ERROR_TYPE] == "ValueError"


def test_embeddings(library: Any, model: Path) -> None:
    """Tokens as the answer tells them, or as llama.cpp counted them where it tells none."""
    with capture_spans() as captured:
        llama = _loaded(library, model, embedding=True)
        answer = llama.create_embedding(["w1 w2", "w3"])
        vectors = llama.embed(["w1 w2", "w3"])
    assert len(vectors) == 2
    _, told, counted = _told(captured)
    assert told[semconv.OPERATION_NAME] == "embeddings"
    assert _used(told) == [answer["usage"]["prompt_tokens"], 0, 0]
    assert _used(counted) == _used(told)
