"""The innermost stages of the transform: request rows to resource, to scope, to span rows.

Three ARRAY JOINs, one a level, so that what belongs to a resource or a scope is computed once for
it. Columns of ``otlp_in`` get short names here.
"""

from collections.abc import Callable, Mapping

from spanledger.semconv import SERVICE_NAME, TENANT_ID
from spanledger_collector.load.frame import TABLE

_UNFOLDED: tuple[Mapping[str, str], ...] = (
    {
        "resource_keys": "resource_spans.resource.attributes.key",
        "resource_strings": "resource_spans.resource.attributes.value.string_value",
        "scope_names": "resource_spans.scope_spans.scope.name",
        "scope_versions": "resource_spans.scope_spans.scope.version",
    },
    {
        "raw_trace_id": "trace_id",
        "raw_span_id": "span_id",
        "raw_parent_span_id": "parent_span_id",
        "raw_name": "name",
        "kind": "kind",
        "raw_start_ns": "start_time_unix_nano",
        "raw_end_ns": "end_time_unix_nano",
        "status": "status.code",
        "event_names": "events.name",
        "event_times": "events.time_unix_nano",
        "attribute_keys": "attributes.key",
        "types": "attributes.value.value",
        "strings": "attributes.value.string_value",
        "integers": "attributes.value.int_value",
        "doubles": "attributes.value.double_value",
        "bools": "attributes.value.bool_value",
        "types_in": "attributes.value.array_value.values.value",
        "strings_in": "attributes.value.array_value.values.string_value",
        "integers_in": "attributes.value.array_value.values.int_value",
        "doubles_in": "attributes.value.array_value.values.double_value",
        "bools_in": "attributes.value.array_value.values.bool_value",
    },
)
_REQUEST = ("workspace", "pinned_tenant", "received_at_ns", "sequence", "journal_id")
#: Columns of a span that every later stage hands on.
SPAN_COLUMNS = (
    *(*_REQUEST, "resource_tenant", "service_name", "scope_name", "scope_version"),
    *("trace_id", "span_id", "parent_span_id", "name", "kind", "status"),
    *("raw_start_ns", "start_ns", "lasted_ns", "first_token_ns"),
)


def _of_resource(name: str) -> str:
    """The first text of a resource attribute that is not empty."""
    return (
        f"arrayFirst((text, key) -> if(key = '{name}', text != '', 0), "
        "resource_strings, resource_keys)"
    )


def unfold(scope_dialect: str, cut: Callable[[str], str]) -> str:
    """The three stages as one SELECT.

    Args:
        scope_dialect: expression for the dialect that ``scope_name`` tells.
        cut: makes an expression for at most 256 bytes of a text.
    """
    resource, span = _UNFOLDED
    deep = {name: f"resource_spans.scope_spans.spans.{path}" for name, path in span.items()}
    joined = ",\n".join(f"`{path}` AS {name}" for name, path in {**resource, **deep}.items())
    names = ", ".join(deep)
    service, tenant = (cut(_of_resource(name)) for name in (SERVICE_NAME, TENANT_ID))
    request = "workspace, tenant AS pinned_tenant, received_at_ns, sequence, journal_id"
    kept = ", ".join(_REQUEST)
    by_resource = (
        f"SELECT {request}, {service} AS service_name, {tenant} AS resource_tenant,\n"
        f"scope_names, scope_versions, {names}\nFROM {TABLE}\nARRAY JOIN\n{joined}"
    )
    by_scope = (
        f"SELECT {kept}, service_name, resource_tenant, {cut('raw_scope_name')} AS scope_name,\n"
        f"{cut('raw_scope_version')} AS scope_version, {scope_dialect} AS scope_dialect, {names}\n"
        f"FROM\n(\n{by_resource}\n)\nARRAY JOIN scope_names AS raw_scope_name, "
        f"scope_versions AS raw_scope_version, {', '.join(f'{n} AS {n}' for n in deep)}"
    )
    return (
        f"SELECT {kept}, service_name, resource_tenant, scope_name, scope_version, scope_dialect,\n"
        f"{names}\nFROM\n(\n{by_scope}\n)\nARRAY JOIN {', '.join(f'{n} AS {n}' for n in deep)}"
    )
