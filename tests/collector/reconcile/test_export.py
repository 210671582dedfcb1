"""Each format as its provider writes it, and what is told of a file that is in none."""

from __future__ import annotations

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spanledger_collector.errors import ConfigurationError, NotFoundError
from spanledger_collector.reconcile import BillLine, read_export, refuse_overlaps

DAY = date(2026, 11, 2)
START = 1793577600  # 2026-11-02 in Unix seconds


def write(folder: Path, content: Any, name: str = "export") -> Path:
    """A file with this text, or with this object as JSON."""
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def openai_page(**result: Any) -> dict[str, Any]:
    """One bucket with one result."""
    return {"object": "page", "data": [{"object": "bucket", "start_time": START,
            "end_time": START + 86400, "results": [result]}]}  # fmt: skip


def test_openai_usage(tmp_path: Path) -> None:
    """Cached and audio tokens are taken out of the totals that include them."""
    page = openai_page(
        object="organization.usage.completions.result", input_tokens=1000, output_tokens=70,
        input_cached_tokens=400, input_audio_tokens=50, output_audio_tokens=20, model="gpt-4.1",
        num_model_requests=2, batch=True,
    )  # fmt: skip
    found = read_export(write(tmp_path, page)).lines
    assert {(line.unit, line.quantity) for line in found} == {
        ("input", 550), ("cache_read", 400), ("audio_input", 50), ("output", 50),
        ("audio_output", 20),
    }  # fmt: skip
    first = found[0]
    assert (first.day, first.provider, first.model) == (DAY, "openai", "gpt-4.1")
    assert (first.service_tier, first.cost_usd) == ("batch", None)


@pytest.mark.parametrize(
    ("line_item", "model", "tier", "unit"),
    [
        ("gpt-4.1-2025-04-14, input", "gpt-4.1-2025-04-14", "", "input"),
        ("gpt-4.1-2025-04-14, cached input", "gpt-4.1-2025-04-14", "", "cache_read"),
        ("gpt-4.1, batch output", "gpt-4.1", "batch", "output"),
        ("ft:gpt-4.1:acme, output", "ft:gpt-4.1:acme", "", "output"),
        ("gpt-image-1, image input", "gpt-image-1", "", "image_input"),
        ("gpt-realtime, audio cached input", "gpt-realtime", "", "audio_cache_read"),
        ("text-embedding-3-small", "text-embedding-3-small", "", "input"),
        ("Code interpreter sessions", "Code interpreter sessions", "", ""),
    ],
)
def test_openai_costs(tmp_path: Path, line_item: str, model: str, tier: str, unit: str) -> None:
    page = openai_page(
        object="organization.costs.result", line_item=line_item,
        amount={"value": 0.06, "currency": "usd"},
    )  # fmt: skip
    [line] = read_export(write(tmp_path, page)).lines
    assert line == BillLine(DAY, "openai", model, tier, unit, None, Decimal("0.06"))


@pytest.mark.parametrize(
    ("kind", "fields", "unit", "quantity"),
    [
        ("images", {"images": 3, "size": "1024x1024"}, "images", 3),
        ("audio_speeches", {"characters": 1200}, "characters", 1200),
        ("audio_transcriptions", {"seconds": 90}, "audio_seconds", 90),
        ("code_interpreter_sessions", {"num_sessions": 2, "model": None}, "code_containers", 2),
    ],
)
def test_openai_usage_that_is_not_tokens(
    tmp_path: Path, kind: str, fields: dict[str, Any], unit: str, quantity: int
) -> None:
    page = openai_page(object=f"organization.usage.{kind}.result", **({"model": "m"} | fields))
    [line] = read_export(write(tmp_path, page)).lines
    assert (line.unit, line.quantity) == (unit, quantity)


def test_openai_usage_of_a_kind_that_is_not_known_is_told(tmp_path: Path) -> None:
    page = openai_page(object="organization.usage.vector_stores.result", usage_bytes=5)
    found = read_export(write(tmp_path, page))
    assert not found.lines
    [remark] = found.remarks
    assert remark.said == "usage of vector_stores"
    assert remark.place.endswith("export, 2026-11-02")


def test_pages_up_to_the_last_one(tmp_path: Path) -> None:
    """A part of a bill is refused: it would pass for the whole one."""
    first = openai_page(object="organization.costs.result", line_item="m, input",
                        amount={"value": 1, "currency": "usd"})  # fmt: skip
    first |= {"has_more": True, "next_page": "page_AB"}
    usage = openai_page(object="organization.usage.completions.result", model="m", input_tokens=1)
    for pages in ([first], [first, usage]):
        with pytest.raises(ConfigurationError, match=r"costs.*has_more.*page=page_AB"):
            read_export(write(tmp_path, pages))
    whole = [first, usage, {**first, "has_more": False}]
    assert len(read_export(write(tmp_path, whole)).lines) == 3
    ended = [first, {"object": "page", "data": [], "has_more": False}]
    assert len(read_export(write(tmp_path, ended)).lines) == 1


def test_anthropic_usage(tmp_path: Path) -> None:
    page = {"data": [{"starting_at": "2026-11-02T00:00:00Z", "ending_at": "2026-11-03T00:00:00Z",
        "results": [{"uncached_input_tokens": 1500, "cache_creation":
            {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
            "cache_read_input_tokens": 200, "output_tokens": 500, "server_tool_use":
            {"web_search_requests": 10}, "model": "claude-sonnet-4-5", "service_tier": "standard",
            "context_window": "0-200k"}]}]}  # fmt: skip
    found = read_export(write(tmp_path, page)).lines
    assert {(line.unit, line.quantity) for line in found} == {
        ("input", 1500), ("cache_read", 200), ("cache_write_5m", 500), ("cache_write_1h", 1000),
        ("output", 500), ("web_searches", 10),
    }  # fmt: skip
    assert {line.service_tier for line in found} == {""}


def test_anthropic_costs_are_cents(tmp_path: Path) -> None:
    page = {"data": [{"starting_at": "2026-11-02T00:00:00Z", "results": [
        {"currency": "USD", "amount": "123.78912", "cost_type": "tokens", "model": "claude-x",
         "token_type": "cache_creation.ephemeral_1h_input_tokens", "service_tier": "batch"},
        {"currency": "USD", "amount": "10", "cost_type": "code_execution", "model": None},
    ]}]}  # fmt: skip
    first, second = read_export(write(tmp_path, page)).lines
    assert first == BillLine(
        DAY, "anthropic", "claude-x", "batch", "cache_write_1h", None, Decimal("1.2378912")
    )
    assert (second.unit, second.model, second.cost_usd) == ("", "", Decimal("0.1"))


def test_aws_cost_and_usage_report(tmp_path: Path) -> None:
    """Both spellings of the columns; other services are left out; quantities by the bill's unit."""
    text = (
        "line_item_usage_start_date,line_item_product_code,line_item_usage_type,"
        "line_item_usage_amount,pricing_unit,line_item_unblended_cost,line_item_currency_code\n"
        "2026-11-02T00:00:00.000Z,AmazonBedrock,USE1-NovaPro-input-tokens,12.5,1K tokens,0.01,USD\n"
        "2026-11-02T01:00:00.000Z,AmazonBedrock,USE1-NovaPro-cache-read-input-token-count,2,"
        "1M tokens,0.4,USD\n"
        "2026-11-02T01:00:00.000Z,AmazonBedrock,USE1-NovaPro-output-tokens-batch,3,Units,0.2,USD\n"
        "2026-11-02T01:00:00.000Z,AmazonS3,Requests,3,Requests,0.2,USD\n"
    )
    export = read_export(write(tmp_path, text))
    found = export.lines
    assert ["'Units' cannot be read" in remark.reason for remark in export.remarks] == [True]
    assert [(line.unit, line.quantity, line.service_tier) for line in found] == [
        ("input", 12500, ""), ("cache_read", 2_000_000, ""), ("output", None, "batch"),
    ]  # fmt: skip
    assert {(line.provider, line.model) for line in found} == {("aws.bedrock", "NovaPro")}
    assert [line.cost_usd for line in found] == [Decimal("0.01"), Decimal("0.4"), Decimal("0.2")]


def test_models_of_the_aws_marketplace(tmp_path: Path) -> None:
    """Its usage types name no model: the product does. Its ``Units`` are told."""
    text = (
        "lineItem/UsageStartDate,lineItem/ProductCode,product/ProductName,lineItem/LineItemType,"
        "lineItem/UsageType,lineItem/UsageAmount,pricing/unit,lineItem/UnblendedCost\n"
    ) + "".join(
        f"2026-11-02,c0ffee,Claude Sonnet 4.5 (Amazon Bedrock Edition),Usage,{usage},1,Units,3\n"
        for usage in ("USE1-MP:USE1_InputTokenCount-Units",
                      "USE1-MP:USE1_CacheReadInputTokenCount_Global-Units")
    )  # fmt: skip
    found = read_export(write(tmp_path, text))
    assert [(line.provider, line.model, line.unit, line.quantity) for line in found.lines] == [
        ("aws.bedrock", "Claude-Sonnet-4.5", "input", None),
        ("aws.bedrock", "Claude-Sonnet-4.5-Global", "cache_read", None),
    ]
    assert ["'Units'" in remark.reason for remark in found.remarks] == [True, True]


def test_lines_of_a_report_that_are_no_usage(tmp_path: Path) -> None:
    """They name the model and its usage type too; none of them is tokens."""
    kinds = ("Usage", "Tax", "Credit", "Refund", "Fee", "EdpDiscount")
    text = (
        "line_item_usage_start_date,line_item_product_code,line_item_line_item_type,"
        "line_item_usage_type,line_item_usage_amount,pricing_unit,line_item_unblended_cost\n"
    ) + "".join(
        f"2026-11-02,AmazonBedrock,{kind},USE1-NovaPro-input-tokens,1,1K tokens,0.5\n"
        for kind in kinds
    )
    found = read_export(write(tmp_path, text))
    assert [(line.unit, line.quantity) for line in found.lines] == [("input", 1000)]
    assert [remark.reason for remark in found.remarks] == [
        f"{kind}, no usage" for kind in kinds[1:]
    ]
    assert {remark.cost_usd for remark in found.remarks} == {Decimal("0.5")}
    assert found.remarks[0].place.endswith("export, line 3")


def test_focus(tmp_path: Path) -> None:
    """Usage charges only; tax and corrections are remarks with their amount."""
    text = (
        "ChargePeriodStart,ServiceName,ChargeCategory,ChargeClass,SkuMeter,ConsumedQuantity,"
        "ConsumedUnit,BilledCost,BillingCurrency\n"
        "2026-11-02,Amazon Bedrock,Usage,,Claude4.5Sonnet-output,1000,Tokens,1.5,USD\n"
        "2026-11-02,Amazon Bedrock,Tax,,,,,0.3,USD\n"
        "2026-11-02,Amazon Bedrock,Usage,Correction,Claude4.5Sonnet-output,1,Tokens,-0.1,USD\n"
    )
    found = read_export(write(tmp_path, text))
    [line] = found.lines
    assert (line.unit, line.quantity, line.cost_usd) == ("output", 1000, Decimal("1.5"))
    assert line.model == "Claude4.5Sonnet"
    assert [(one.reason, one.cost_usd) for one in found.remarks] == [
        ("Tax, no usage", Decimal("0.3")), ("Correction, no usage", Decimal("-0.1")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("consumed", "pricing", "quantity"),
    [
        ("2,1K", ",", 2000),
        ("2,1K tokens", ",", 2000),
        ("2,count", ",", 2),
        ("2,Units", "3,1M", 3e6),
    ],
)
def test_units_of_quantities(tmp_path: Path, consumed: str, pricing: str, quantity: int) -> None:
    text = (
        "ChargePeriodStart,ServiceName,SkuMeter,ConsumedQuantity,ConsumedUnit,PricingQuantity,"
        f"PricingUnit,BilledCost\n2026-11-02,Azure OpenAI,gpt-4o-0806-Outp-glbl,{consumed},"
        f"{pricing},1\n"
    )
    found = read_export(write(tmp_path, text))
    assert [(one.model, one.unit, one.quantity) for one in found.lines] == [
        ("gpt-4o-0806", "output", quantity)
    ]
    assert not found.remarks


def test_a_plain_table_gzipped(tmp_path: Path) -> None:
    text = 'day,provider,model,unit,quantity,cost_usd\n2026-11-02,acme,m1,input,"1,000",0.5\n'
    path = tmp_path / "bill.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    [line] = read_export(path).lines
    assert line == BillLine(DAY, "acme", "m1", "", "input", Decimal(1000), Decimal("0.5"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b\n1,2\n", "columns a, b"),
        ("", "columns"),
        ("{", "export"),
        ("[1]", "JSON object"),
        ({"nothing": 1}, "list `data`"),
        (openai_page(object="organization.users"), "organization.users"),
        (openai_page(object="organization.usage.completions.result", input_tokens="x"), "'x'"),
        ("day,provider,model,cost_usd\nsoon,acme,m1,1\n", "'soon' is no date"),
        ("day,provider,model,cost_usd\n2026-11-02,acme,m1,NaN\n", "no number"),
        (openai_page(object="organization.costs.result", line_item="a, input",
                     amount={"value": 1, "currency": "eur"}), "EUR"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read(tmp_path: Path, content: Any, told: str) -> None:
    """The message names the file or the figure at fault."""
    with pytest.raises(ConfigurationError, match=told):
        read_export(write(tmp_path, content))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        read_export(tmp_path / "nowhere.json")


_PLAIN = "day,provider,model,service_tier,unit,quantity,cost_usd\n2026-11-02,acme,"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (openai_page(object="organization.usage.completions.result", model=None, input_tokens=9),
         r"completions on 2026-11-02 names no model.*group_by=model"),
        (openai_page(object="organization.costs.result", line_item=None,
                     amount={"value": 1, "currency": "usd"}), "group_by=line_item"),
        (openai_page(object="organization.usage.completions.result", model="m", input_tokens=9,
                     input_cached_tokens=10), "more tokens are cached"),
        ({"data": [{"starting_at": "2026-11-02T00:00:00Z", "results": [
            {"model": None, "output_tokens": 5}]}]}, r"group_by\[\]=model"),
        ({"data": [{"starting_at": "2026-11-02T00:00:00Z", "results": [
            {"model": None, "cost_type": None, "amount": "5", "currency": "USD"}]}]},
         r"group_by\[\]=description"),
        (_PLAIN + "m1,,input_tokens,4000,0.008\n", r"line 2: .*'input_tokens'; units are input, "),
        (_PLAIN + "m1,,input,4000,1\n2026-11-02,acme,m1,,output,-4,-1\n", "line 3: .*-4 is negati"),
        (_PLAIN + ",,input,4000,0.008\n", "names no model"),
        (_PLAIN + "m1,,input,,\n", "neither a quantity nor a cost_usd"),
    ],
)  # fmt: skip
def test_a_bill_that_cannot_be_told_apart_is_refused(
    tmp_path: Path, content: Any, told: str
) -> None:
    """It would stand beside the ledger as something else: twice the difference, and no warning."""
    with pytest.raises(ConfigurationError, match=told):
        read_export(write(tmp_path, content))


def test_units_of_a_plain_table(tmp_path: Path) -> None:
    """In any case, kinds of a unit, those of an operator's own prices, and none at all."""
    text = _PLAIN + "\n2026-11-02,acme,".join(
        f"m1,,{unit},1," for unit in ("Input", "images.hd.1024x1024", "sheets", "")
    )
    found = read_export(write(tmp_path, text + "\n"), {"sheets.large"})
    assert [line.unit for line in found.lines] == ["input", "images.hd.1024x1024", "sheets", ""]


def test_what_is_told_twice_is_refused(tmp_path: Path) -> None:
    """Buckets of one group must not overlap, in one file or in two; other groups may."""
    cost = {"object": "organization.costs.result", "line_item": "m, input"}
    day = openai_page(**cost, amount={"value": 1, "currency": "usd"}, project_id="p1")
    later = openai_page(**cost, amount={"value": 2, "currency": "usd"}, project_id="p1")
    other = openai_page(**cost, amount={"value": 2, "currency": "usd"}, project_id="p2")
    later["data"][0]["start_time"] += 3600
    parts = {
        name: read_export(write(tmp_path, page, name)).parts
        for name, page in {"day": day, "later": later, "other": other, "both": [day, later]}.items()
    }
    refuse_overlaps({"day": parts["day"], "other": parts["other"]})
    for told in ({"day": parts["day"], "later": parts["later"]}, {"both": parts["both"]}):
        with pytest.raises(ConfigurationError, match=r"same twice: .*2026-11-02 00:00.*m, input"):
            refuse_overlaps(told)


def test_a_row_in_two_tables_is_refused(tmp_path: Path) -> None:
    """Equal rows of one table are two: two accounts may have used as much."""
    row = "m1,,input,4000,0.008\n"
    one = read_export(write(tmp_path, _PLAIN + row + "2026-11-02,acme," + row)).parts
    other = read_export(write(tmp_path, _PLAIN + "m2,,input,1,1\n2026-11-02,acme," + row)).parts
    refuse_overlaps({"one": one})
    with pytest.raises(ConfigurationError, match=r"twice: one, and other, line 3.*into one file"):
        refuse_overlaps({"one": one, "other": other})
