-- otlp_in_v1: where export requests enter the engine; keeps nothing, feeds the view otlp_in_v1_to_spans.
-- grain: one row a journal record = one OTLP ExportTraceServiceRequest, format Protobuf, messages of load/otlp.proto.
-- Flat columns instead of nested tuples: the engine reads only what is named here and analyses it faster.
-- units: nanoseconds since 1970 (_ns, _nano). Depths of Array: resource, scope, span, attribute or event, element.
CREATE TABLE IF NOT EXISTS otlp_in_v1
(
    `workspace` String COMMENT 'Whose ledger: from the API key',
    `tenant` String COMMENT 'Tenant the API key pins; empty = it pins none',
    `received_at_ns` UInt64 COMMENT 'When the collector received the request',
    `sequence` UInt64 COMMENT 'Record number in the journal',
    `journal_id` String COMMENT 'Journal that acknowledged it',
    `resource_spans.resource.attributes.key` Array(Array(String)),
    `resource_spans.resource.attributes.value.string_value` Array(Array(String)) COMMENT 'Empty unless a string',
    `resource_spans.scope_spans.scope.name` Array(Array(String)),
    `resource_spans.scope_spans.scope.version` Array(Array(String)),
    `resource_spans.scope_spans.spans.trace_id` Array(Array(Array(String))) COMMENT '16 bytes',
    `resource_spans.scope_spans.spans.span_id` Array(Array(Array(String))) COMMENT '8 bytes',
    `resource_spans.scope_spans.spans.parent_span_id` Array(Array(Array(String))) COMMENT '8 bytes or none',
    `resource_spans.scope_spans.spans.name` Array(Array(Array(String))),
    `resource_spans.scope_spans.spans.kind` Array(Array(Array(Int32))),
    `resource_spans.scope_spans.spans.start_time_unix_nano` Array(Array(Array(UInt64))),
    `resource_spans.scope_spans.spans.end_time_unix_nano` Array(Array(Array(UInt64))),
    `resource_spans.scope_spans.spans.status.code` Array(Array(Array(Int32))),
    `resource_spans.scope_spans.spans.events.name` Array(Array(Array(Array(String)))),
    `resource_spans.scope_spans.spans.events.time_unix_nano` Array(Array(Array(Array(UInt64)))),
    `resource_spans.scope_spans.spans.attributes.key` Array(Array(Array(Array(String)))),
    `resource_spans.scope_spans.spans.attributes.value.value` Array(Array(Array(Array(Enum8('no' = 0, 'string_value' = 1, 'bool_value' = 2, 'int_value' = 3, 'double_value' = 4, 'array_value' = 5, 'kvlist_value' = 6, 'bytes_value' = 7))))) COMMENT 'Which of the value columns counts; no = none was sent',
    `resource_spans.scope_spans.spans.attributes.value.string_value` Array(Array(Array(Array(String)))),
    `resource_spans.scope_spans.spans.attributes.value.int_value` Array(Array(Array(Array(Int64)))),
    `resource_spans.scope_spans.spans.attributes.value.double_value` Array(Array(Array(Array(Float64)))),
    `resource_spans.scope_spans.spans.attributes.value.bool_value` Array(Array(Array(Array(Bool)))),
    `resource_spans.scope_spans.spans.attributes.value.array_value.values.value` Array(Array(Array(Array(Array(Enum8('no' = 0, 'string_value' = 1, 'bool_value' = 2, 'int_value' = 3, 'double_value' = 4)))))) COMMENT 'The same for the elements of an array; no = nested, which is not read',
    `resource_spans.scope_spans.spans.attributes.value.array_value.values.string_value` Array(Array(Array(Array(Array(String))))),
    `resource_spans.scope_spans.spans.attributes.value.array_value.values.int_value` Array(Array(Array(Array(Array(Int64))))),
    `resource_spans.scope_spans.spans.attributes.value.array_value.values.double_value` Array(Array(Array(Array(Array(Float64))))),
    `resource_spans.scope_spans.spans.attributes.value.array_value.values.bool_value` Array(Array(Array(Array(Array(Bool)))))
)
ENGINE = Null
