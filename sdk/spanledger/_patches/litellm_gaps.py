"""The functions of ``litellm`` that are not patched, and why; each with its sister ``a...``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spanledger._patches.gaps import NOT_YET, NOTHING, STORED

_MODULE: Final = "litellm"


def _named(*names: str) -> tuple[str, ...]:
    """Full names, from lists of short ones."""
    return tuple(f"{_MODULE}.{name}" for listed in names for name in listed.split())


#: Make their calls through functions that are patched.
HELPERS: Final = _named(
    "batch_completion batch_completion_models batch_completion_models_all_responses",
    "adapter_completion completion_with_fallbacks async_completion_with_fallbacks run_tool_loop",
    "ahealth_check",  # needs the packages of LiteLLM's proxy
)

_REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    STORED: _named(
        "a_add_message create_assistants create_thread delete_assistant get_assistants",
        "cancel_batch list_batches get_messages get_thread",
        "create_file file_delete file_list file_retrieve",
        "create_container delete_container list_containers retrieve_container",
        "list_container_files upload_container_file create_agent delete_agent get_agent",
        "list_agents list_agent_versions create_skill delete_skill get_skill list_skills",
        "cancel_responses delete_responses get_responses list_input_items",
        "vector_store_file_content vector_store_file_create vector_store_file_delete",
        "vector_store_file_list vector_store_file_retrieve vector_store_file_update",
        "video_content video_get_character video_list video_status",
    ),
    f"{NOT_YET}: results of Google and Bedrock are read elsewhere; those of others are told when "
    "they are fetched": _named("create_batch retrieve_batch"),
    f"{NOTHING}: asks no model, or one that is free": _named(
        "acount_tokens realtime_health_check moderation",
        "close_litellm_async_clients bill_first_round_on_failure",
    ),
    f"{NOT_YET}: billed by the piece, the second, the page or the search": _named(
        "ocr extraction search",
        "video_create_character video_edit video_extension video_generation video_remix",
        "acreate_sandbox adelete_sandbox arun_code acode_interpreter_tool ingest",
    ),
    f"{NOT_YET}: another way to ask a model": _named(
        "aadapter_generate_content",
        "compact_responses aresponses_api_with_mcp decisions systemone query",
        "llm_passthrough_route maybe_run_chat_completion_agentic_loop",
        "acreate_realtime_client_secret acreate_realtime_transcription_session",
        "acreate_realtime_translation_client_secret arealtime_calls arealtime_translation_calls",
    ),
    f"{NOT_YET}: answered later, elsewhere": _named(
        "run_thread",
        "create_fine_tuning_job cancel_fine_tuning_job retrieve_fine_tuning_job",
        "list_fine_tuning_jobs create_eval cancel_eval delete_eval get_eval list_evals",
        "create_run cancel_run delete_run get_run list_runs",
    ),
}
NOT_METERED: Final[Mapping[str, str]] = {
    name: reason for reason, names in _REASONS.items() for name in names
}
