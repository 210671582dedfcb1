"""The methods of ``google-genai`` that are not told, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spanledger._patches.gaps import (
    COUNTS,
    MACHINERY,
    MACHINES,
    MEDIA,
    MODEL_CALLS,
    NO_REQUEST,
    NOT_YET,
    SESSIONS,
    STORAGE,
    STORED,
    TRAINING,
    under,
)

_MODULE: Final = "google.genai.models"
#: Classes of the newer half of the client, which is made from a description of the service.
NEXT: Final = "google.genai._gaos.google_genai.GeminiNextGen"
NOT_METERED: Final[Mapping[str, str]] = {
    **under(
        "google.genai.batches.Batches",
        STORED,
        *("cancel", "delete", "list"),
    ),
    **under(
        "google.genai.batches.Batches",
        f"{NOT_YET}: results in buckets and tables (gs://, bq://), and files of embeddings, are "
        "read elsewhere; those in the job, and files of content, are told when they are fetched",
        *("create", "create_embeddings"),
    ),
    **under(
        "google.genai.files.Files", STORED, "delete", "get", "list", "register_files", "upload"
    ),
    **under(f"{_MODULE}.Models", COUNTS, "compute_tokens", "count_tokens"),
    **under(f"{_MODULE}.Models", STORED, "delete", "get", "list", "update"),
    **under(
        f"{_MODULE}.Models",
        MEDIA,
        *("generate_videos", "recontext_image", "segment_image"),
    ),
    **under("google.genai", STORED, "documents.*", "operations.*", "tokens.*"),
    **under("google.genai", STORAGE, "caches.*", "file_search_stores.*"),
    **under("google.genai", SESSIONS, "live.*", "live_music.*"),
    **under("google.genai", TRAINING, "tunings.*"),
    **under("google.genai", NO_REQUEST, "chats.*"),
    **{
        f"{NEXT}{owner}.*": reason
        for reason, owners in {
            MODEL_CALLS: ("Decisions", "Triggers"),
            MACHINES: ("Environments",),
            STORED: (
                "Agents",
                "AuthTokens",
                "Credentials",
                "EnvironmentFiles",
                "Voices",
                "Webhooks",
            ),
        }.items()
        for owner in owners
    },
    f"{NEXT}Interactions.get": f"{NOT_YET}: answers made in the background",
    **under(f"{NEXT}Interactions", STORED, "cancel", "delete"),
    **under("google.genai._gaos", MACHINERY, "basesdk.*"),
}
