"""Every attribute name that crosses the wire, once.

Where the OpenTelemetry GenAI semantic conventions have a word we use theirs (they live in
``open-telemetry/semantic-conventions-genai``; the constants in the Python package
``opentelemetry-semantic-conventions`` are marked moved, so the list is kept here). Everything else
is ``spanledger.*``. The collector imports this module too: it is the only vocabulary the two share.
No other module spells an attribute name; a test greps for literals.
"""

from typing import Final

# --- OpenTelemetry GenAI ------------------------------------------------------------------------
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
#: Seconds from the request to the first chunk of a stream (double).
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
#: Seconds to the first chunk with something generated, of streams that begin with other events.
RESPONSE_FIRST_GENERATED: Final = "spanledger.response.time_to_first_token"
#: All input tokens, cached ones included (the conventions' rule).
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
#: All output tokens, reasoning included (the conventions' rule).
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
#: Parts of the totals that are no text. A part of the input has its cached tokens in it too.
USAGE_AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
USAGE_IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"
USAGE_AUDIO_CACHE_READ_TOKENS: Final = "gen_ai.usage.audio.cache_read.input_tokens"
USAGE_IMAGE_CACHE_READ_TOKENS: Final = "gen_ai.usage.image.cache_read.input_tokens"
USAGE_AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
USAGE_IMAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.image.output_tokens"
#: What the provider says the call cost, in its own words; kept beside the ledger's cost.
USAGE_COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
USAGE_COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_VERSION: Final = "gen_ai.agent.version"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_TYPE: Final = "gen_ai.tool.type"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
#: Calls by the Model Context Protocol.
MCP_METHOD_NAME: Final = "mcp.method.name"
MCP_PROTOCOL_VERSION: Final = "mcp.protocol.version"
EMBEDDINGS_DIMENSION_COUNT: Final = "gen_ai.embeddings.dimension.count"
#: Content of messages; written only when the user asks for it by the standard variable.
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"

# --- OpenTelemetry, general ---------------------------------------------------------------------
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
SERVICE_NAME: Final = "service.name"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
ANTHROPIC_RESPONSE_SERVICE_TIER: Final = "anthropic.response.service_tier"
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
#: Value of a service tier: the results of a batch.
TIER_BATCH: Final = "batch"

# --- Values of gen_ai.operation.name ------------------------------------------------------------
OPERATION_CHAT: Final = "chat"
OPERATION_GENERATE_CONTENT: Final = "generate_content"
OPERATION_TEXT_COMPLETION: Final = "text_completion"
OPERATION_EMBEDDINGS: Final = "embeddings"
#: Ours, as are the next five: the conventions have no words for them yet.
OPERATION_IMAGE_GENERATION: Final = "image_generation"
OPERATION_TRANSCRIPTION: Final = "transcription"
OPERATION_TRANSLATION: Final = "translation"
OPERATION_SPEECH: Final = "speech"
OPERATION_MODERATION: Final = "moderation"
OPERATION_OCR: Final = "ocr"
#: Ours: the conventions have no word for ordering documents by a query.
OPERATION_RERANK: Final = "rerank"
#: Ours: a model was put into the memory of this process's devices; nothing was asked of it.
OPERATION_LOAD_MODEL: Final = "load_model"
#: A set of batch results that was fetched; the answers in it are spans of their own.
OPERATION_FETCH_BATCH: Final = "fetch_batch"
OPERATION_INVOKE_AGENT: Final = "invoke_agent"
OPERATION_INVOKE_WORKFLOW: Final = "invoke_workflow"
OPERATION_EXECUTE_TOOL: Final = "execute_tool"
#: Ours: the conventions have no word for a step of plain code inside an agent.
OPERATION_TASK: Final = "task"
#: Ours: something the application says about work that was done: revenue, an outcome, a verdict.
OPERATION_RECORD: Final = "record"

# --- Identity: on every span below an agent, also on spans of other instrumentations ------------
#: One execution of one agent. 32 hex digits.
RUN_ID: Final = "spanledger.run.id"
#: The run that called this one (set on the agent's own span when agents nest).
RUN_PARENT_ID: Final = "spanledger.run.parent.id"
#: On whose behalf the run was executed (the application's customer).
TENANT_ID: Final = "spanledger.tenant.id"
#: Prefix of user tags: ``spanledger.tag.<name>``.
TAG_PREFIX: Final = "spanledger.tag."
#: What the decorators are told and the conventions have no word for.
WORKFLOW_VERSION: Final = "spanledger.workflow.version"
WORKFLOW_ID: Final = "spanledger.workflow.id"
TASK_NAME: Final = "spanledger.task.name"
TASK_VERSION: Final = "spanledger.task.version"
TASK_ID: Final = "spanledger.task.id"
TOOL_VERSION: Final = "spanledger.tool.version"

# --- Usage: disjoint buckets (no token is in two of them) -----------------------------------------
#: ``provider`` | ``estimated`` | ``missing`` | ``none`` (nothing is billed: no provider was asked).
USAGE_SOURCE: Final = "spanledger.usage.source"
#: How an estimate was made: ``tiktoken:o200k_base``, ``characters``, ``request`` (units that the
#: request itself determines), ... Only when estimated.
USAGE_METHOD: Final = "spanledger.usage.method"
#: True when the stream ended early (closed, broken, cancelled): the numbers cover what was seen.
USAGE_PARTIAL: Final = "spanledger.usage.partial"
USAGE_INPUT_UNCACHED_TOKENS: Final = "spanledger.usage.input_uncached_tokens"
USAGE_CACHE_READ_TOKENS: Final = "spanledger.usage.cache_read_tokens"
#: Both left out where nothing was written to a cache.
USAGE_CACHE_WRITE_5M_TOKENS: Final = "spanledger.usage.cache_write_5m_tokens"
USAGE_CACHE_WRITE_1H_TOKENS: Final = "spanledger.usage.cache_write_1h_tokens"
#: Output, reasoning included.
USAGE_BILLED_OUTPUT_TOKENS: Final = "spanledger.usage.output_tokens"
#: What the model read and wrote, where the provider bills another number (Cohere): nothing is
#: billed by these, but others tell them of the same call.
USAGE_PROCESSED_INPUT_TOKENS: Final = "spanledger.usage.processed.input_tokens"
USAGE_PROCESSED_OUTPUT_TOKENS: Final = "spanledger.usage.processed.output_tokens"
#: Parts of the totals that are video: the conventions have no word for it.
USAGE_VIDEO_INPUT_TOKENS: Final = "spanledger.usage.video.input_tokens"
USAGE_VIDEO_CACHE_READ_TOKENS: Final = "spanledger.usage.video.cache_read.input_tokens"
USAGE_VIDEO_OUTPUT_TOKENS: Final = "spanledger.usage.video.output_tokens"
#: Prefix of what is billed in other units than tokens: ``spanledger.usage.units.<unit>``, a count
#: (int or double). The units below, and any other that a price is published for.
USAGE_UNITS_PREFIX: Final = "spanledger.usage.units."
#: True: the provider keeps this answer, so that more than one span may tell it, also of other
#: traces and processes (a result of a batch, a background response). The first with usage counts.
RESPONSE_DEFERRED: Final = "spanledger.response.deferred"
#: The provider's id of the request, where the answer has one of its own beside it: some tell the
#: one, some the other, of the same call.
RESPONSE_REQUEST_ID: Final = "spanledger.response.request_id"
#: True: functions that the application gave to the client hear of this answer too, and may make a
#: span of it in a trace of its own (LiteLLM's own callback does).
RESPONSE_TOLD_APART: Final = "spanledger.response.told_apart"
#: Interval of an estimate (tokens).
USAGE_INPUT_TOKENS_LOW: Final = "spanledger.usage.input_tokens.low"
USAGE_INPUT_TOKENS_HIGH: Final = "spanledger.usage.input_tokens.high"
USAGE_OUTPUT_TOKENS_LOW: Final = "spanledger.usage.output_tokens.low"
USAGE_OUTPUT_TOKENS_HIGH: Final = "spanledger.usage.output_tokens.high"

# --- Units: what stands behind the prefix above, and in the price book ----------------------------
#: Searches of the web made by the provider's own tool; ``.preview`` is OpenAI's older tool.
UNIT_WEB_SEARCHES: Final = "web_searches"
UNIT_WEB_SEARCHES_PREVIEW: Final = "web_searches.preview"
UNIT_WEB_FETCHES: Final = "web_fetches"
UNIT_FILE_SEARCHES: Final = "file_searches"
#: Sandboxes started for the code that a model writes.
UNIT_CODE_CONTAINERS: Final = "code_containers"
#: Runs of such code, where these are all that is told.
UNIT_CODE_EXECUTIONS: Final = "code_executions"
#: Tokens of images that a text model's own tool made (input and output); which model made them,
#: and so their price, is not told.
UNIT_IMAGE_TOOL_TOKENS: Final = "image_tool_tokens"
#: Answers that a search of Google Maps stands behind.
UNIT_MAPS_GROUNDINGS: Final = "maps_groundings"
#: Units of a reranking call.
UNIT_SEARCH_UNITS: Final = "search_units"
#: Sources that a search of xAI's Live Search used.
UNIT_SEARCH_SOURCES: Final = "search_sources"
#: Seconds of audio that were heard.
UNIT_AUDIO_SECONDS: Final = "audio_seconds"
#: Characters of text that were spoken.
UNIT_CHARACTERS: Final = "characters"
#: Images made; followed by ``.<quality>.<size>``.
UNIT_IMAGES: Final = "images"
#: Pages of a document that were read; ``.annotated`` are those read into a given form.
UNIT_PAGES: Final = "pages"
UNIT_PAGES_ANNOTATED: Final = "pages.annotated"
#: Calls as such.
UNIT_REQUESTS: Final = "requests"

# --- Attempts and rework --------------------------------------------------------------------------
#: Number of the attempt that gave this span's answer (1 = no retry).
ATTEMPT_NUMBER: Final = "spanledger.attempt.number"
#: HTTP attempts behind this call that failed and were made again by the client library; left out
#: where the first was answered.
RETRY_COUNT: Final = "spanledger.retry.count"
#: One entry per failed HTTP attempt, in order: ``429``, ``503``, ``timeout``, ``connection_error``.
RETRY_REASON: Final = "spanledger.retry.reason"
#: Seconds that each failed HTTP attempt lasted, in order (double[]).
RETRY_ATTEMPT_SECONDS: Final = "spanledger.retry.attempt_seconds"
#: Seconds waited after each failed HTTP attempt (double[]).
RETRY_WAIT_SECONDS: Final = "spanledger.retry.wait_seconds"
#: Span id (16 hex digits) of the failed call that this call repeats (application-level retry).
RETRY_OF: Final = "spanledger.retry.of"
#: Why that call failed, in the words of ``error.type``: ``429``, ``timeout``, ``CancelledError``.
RETRY_CAUSE: Final = "spanledger.retry.cause"
#: Span id (16 hex digits) of the answered call whose answer this call makes again.
REWORK_OF: Final = "spanledger.rework.of"
REWORK_REASON: Final = "spanledger.rework.reason"
#: The same question was asked again in the same run.
REWORK_REGENERATED: Final = "regenerated"

# --- Records: what the application says about a run beyond its spans ------------------------------
#: Id of the record; another record of the same kind and id amends it. Default: the span's id.
RECORD_ID: Final = "spanledger.record.id"
#: When it was said, ISO 8601 in UTC: of several tellings of a record the one said last counts.
#: Default: the end of its span.
RECORD_RECORDED_AT: Final = "spanledger.record.recorded_at"
#: A short reason, in the application's own words.
RECORD_REASON: Final = "spanledger.record.reason"
#: What the record is about, where that is not the work around it: a run, a span, a whole trace.
SUBJECT_TRACE_ID: Final = "spanledger.subject.trace_id"
SUBJECT_RUN_ID: Final = "spanledger.subject.run_id"
SUBJECT_SPAN_ID: Final = "spanledger.subject.span_id"
#: The application's own key of the work (a ticket, an order); a record may name a run by it.
EXTERNAL_KEY: Final = "spanledger.external_key"
SUBJECT_EXTERNAL_KEY: Final = "spanledger.subject.external_key"
#: ``work`` | ``appraisal`` (judging answers) | ``prevention`` (guarding against bad ones).
PURPOSE: Final = "spanledger.purpose"
PROMPT_NAME: Final = "spanledger.prompt.name"
PROMPT_VERSION: Final = "spanledger.prompt.version"
#: Amounts are decimal text, so that no digit is lost; a currency is a code of ISO 4217.
REVENUE_AMOUNT: Final = "spanledger.revenue.amount"
REVENUE_CURRENCY: Final = "spanledger.revenue.currency"
#: ``success`` | ``failure`` | ``partial``.
OUTCOME: Final = "spanledger.outcome"
#: What it achieved beside that: tickets, minutes saved, ... Value rules have a price for them.
OUTCOME_UNIT: Final = "spanledger.outcome.unit"
OUTCOME_QUANTITY: Final = "spanledger.outcome.quantity"
VALUE_AMOUNT: Final = "spanledger.value.amount"
VALUE_CURRENCY: Final = "spanledger.value.currency"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE_VALUE: Final = "gen_ai.evaluation.score.value"
EVALUATION_SCORE_LABEL: Final = "gen_ai.evaluation.score.label"
#: ``acceptable`` | ``wrong`` | ``hallucinated``.
EVALUATION_VERDICT: Final = "spanledger.evaluation.verdict"
EXPENSE_AMOUNT: Final = "spanledger.expense.amount"
EXPENSE_CURRENCY: Final = "spanledger.expense.currency"
#: What was paid for: ``search_api``, ``sms``, ...
EXPENSE_CATEGORY: Final = "spanledger.expense.category"
#: Minutes that a person spent, and in which role: the rate is the price book's.
EFFORT_MINUTES: Final = "spanledger.effort.minutes"
EFFORT_ROLE: Final = "spanledger.effort.role"

# --- Budgets: on a call that was too much for one -------------------------------------------------
BUDGET_NAME: Final = "spanledger.budget.name"
#: The run, agent or tenant whose money it is.
BUDGET_KEY: Final = "spanledger.budget.key"
#: ``refused`` (nothing was sent, nothing is billed) | ``allowed`` (the budget only warns).
BUDGET_EXCEEDED: Final = "spanledger.budget.exceeded"
#: Decimal text: what may be spent, what was, what running calls may cost, what this one may.
BUDGET_LIMIT_USD: Final = "spanledger.budget.limit_usd"
BUDGET_SPENT_USD: Final = "spanledger.budget.spent_usd"
BUDGET_RESERVED_USD: Final = "spanledger.budget.reserved_usd"
BUDGET_WANTED_USD: Final = "spanledger.budget.wanted_usd"

# --- Where inference ran, as the provider says: a price may depend on it --------------------------
INFERENCE_REGION: Final = "spanledger.inference.region"
# --- Assets: what was paid once and serves many runs ----------------------------------------------
ASSET_ID: Final = "spanledger.asset.id"
#: ``cost`` | ``plan`` | ``write_off`` | ``transfer``.
ASSET_ENTRY: Final = "spanledger.asset.entry"
#: ``training`` | ``data_curation`` | ``evaluation`` | ``provisioning`` | ``hosting``.
ASSET_KIND: Final = "spanledger.asset.kind"
ASSET_AMOUNT: Final = "spanledger.asset.amount"
ASSET_CURRENCY: Final = "spanledger.asset.currency"
#: ``straight_line_per_execution`` | ``units_of_production`` | ``straight_line_per_time``.
ASSET_METHOD: Final = "spanledger.asset.method"
#: ``execution`` | ``token`` | ``flop``.
ASSET_UNIT: Final = "spanledger.asset.unit"
ASSET_EXPECTED_UNITS: Final = "spanledger.asset.expected_units"
ASSET_EXPECTED_UNITS_LOW: Final = "spanledger.asset.expected_units.low"
ASSET_EXPECTED_UNITS_HIGH: Final = "spanledger.asset.expected_units.high"
ASSET_LIFE_DAYS: Final = "spanledger.asset.life_days"
ASSET_SALVAGE: Final = "spanledger.asset.salvage"
ASSET_AGENT_NAME: Final = "spanledger.asset.agent.name"
ASSET_AGENT_VERSION: Final = "spanledger.asset.agent.version"
ASSET_TO: Final = "spanledger.asset.to"
ASSET_MEASURED: Final = "spanledger.asset.measured"

# --- A run of training, on its span and on the asset cost that it became --------------------------
TRAINING_ASSET: Final = "spanledger.training.asset"
#: Decimal text: GPUs x time.
TRAINING_GPU_HOURS: Final = "spanledger.training.gpu_hours"
TRAINING_STEPS: Final = "spanledger.training.steps"
TRAINING_TOKENS: Final = "spanledger.training.tokens"
TRAINING_TOKENS_PER_SECOND: Final = "spanledger.training.tokens_per_second"
#: Share of the time in which data was waited for.
TRAINING_STALL_SHARE: Final = "spanledger.training.stall_share"
TRAINING_CHECKPOINTS: Final = "spanledger.training.checkpoints"
TRAINING_CHECKPOINT_BYTES: Final = "spanledger.training.checkpoint_bytes"
#: Integers as text: a long run has more FLOPs than 64 bits hold.
TRAINING_FLOPS: Final = "spanledger.training.flops"
TRAINING_HARDWARE_FLOPS: Final = "spanledger.training.hardware_flops"
#: Shares of the dense bf16 peak, causal attention counted: of the model, and with recomputation.
TRAINING_MFU: Final = "spanledger.training.mfu"
TRAINING_HFU: Final = "spanledger.training.hfu"
TRAINING_MBU: Final = "spanledger.training.mbu"
#: Ends of its interval, where it is an estimate; ``measured`` or ``approx``.
TRAINING_MBU_LOW: Final = "spanledger.training.mbu.low"
TRAINING_MBU_HIGH: Final = "spanledger.training.mbu.high"
TRAINING_MBU_METHOD: Final = "spanledger.training.mbu.method"
TRAINING_FAILED: Final = "spanledger.training.failed"

# --- What a server says about its own time, in nanoseconds ----------------------------------------
#: All of it, loading included.
SERVER_TOTAL_NS: Final = "spanledger.server.total_ns"
#: Waiting until work on it began.
SERVER_QUEUE_NS: Final = "spanledger.server.queue_ns"
#: Putting the model into memory.
SERVER_LOAD_NS: Final = "spanledger.server.load_ns"
#: Reading the prompt.
SERVER_PREFILL_NS: Final = "spanledger.server.prefill_ns"
#: Writing the answer.
SERVER_DECODE_NS: Final = "spanledger.server.decode_ns"
#: Tokens of the answer that a draft proposed (speculative decoding), and of these, those kept.
SERVER_DRAFTED_TOKENS: Final = "spanledger.server.drafted_tokens"
SERVER_ACCEPTED_TOKENS: Final = "spanledger.server.accepted_tokens"
#: True: it does not say what of the prompt was found in its prefix cache.
SERVER_CACHE_UNTOLD: Final = "spanledger.server.cache_untold"

# --- Compute --------------------------------------------------------------------------------------
FLOPS_PREFILL: Final = "spanledger.flops.prefill"
FLOPS_DECODE: Final = "spanledger.flops.decode"
FLOPS_TOTAL: Final = "spanledger.flops.total"
#: ``exact`` | ``approx`` | ``assumed`` | ``measured``.
FLOPS_METHOD: Final = "spanledger.flops.method"
FLOPS_LOW: Final = "spanledger.flops.low"
FLOPS_HIGH: Final = "spanledger.flops.high"
#: Computed by the model on top of the total, for drafted tokens that it did not keep.
FLOPS_WASTED: Final = "spanledger.flops.wasted"
VRAM_WEIGHTS_BYTES: Final = "spanledger.vram.weights_bytes"
VRAM_KV_BYTES: Final = "spanledger.vram.kv_bytes"
VRAM_PEAK_BYTES: Final = "spanledger.vram.peak_bytes"
VRAM_SOURCE: Final = "spanledger.vram.source"
GPU_SECONDS: Final = "spanledger.gpu.seconds"
GPU_MODEL: Final = "spanledger.gpu.model"
GPU_COUNT: Final = "spanledger.gpu.count"
#: Shares of the dense bf16 peak and of the memory bandwidth that a call came to.
GPU_MFU: Final = "spanledger.gpu.mfu"
GPU_MBU: Final = "spanledger.gpu.mbu"
