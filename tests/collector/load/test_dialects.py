"""The table of spellings is read whole or refused with a reason."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest
import yaml

from spanledger import semconv
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.load import dialects
from spanledger_collector.load.dialects import matches, parse, shipped

SMALL = """
dialects: {a: {input: inclusive, output: inclusive, keys: [x.%]}}
fields: {input: {type: tokens, spellings: [{key: x.in, dialect: a}]}}
evidence: [{key: x.seen, dialect: a}]
operations: {chat: [chat, call]}
providers: {}
tiers: {}
content: [x.text%]
"""


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


def test_a_small_table_is_read() -> None:
    """What the other tests change is well formed itself."""
    assert [spelling.key for spelling in parse(SMALL).spellings()] == ["x.in", "x.seen"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed("key: x.seen", "key: x.in"), "x.in: is spelt twice"),
        (changed("key: x.seen", "key: x.text.0"), "x.text.0: is listed under content"),
        (changed("dialect: a}]\no", "dialect: b}]\no"), "there is no dialect 'b'"),
        (changed("[chat, call]", "[chat, boss]"), "operation chat"),
        (changed("key: x.seen", "key: x.seen/y"), "x.seen is not listed under json"),
        (SMALL + "json: [{key: x.in, dialect: a}]", "x.in: is listed under json"),
        (SMALL + "json: [{key: x.o, dialect: b}]", "x.o: there is no dialect 'b'"),
        (changed("chat: [", "Chat: ["), "operation Chat"),
        (changed("keys: [x.%]", "role: boss"), "there is no role 'boss'"),
        (changed("type: tokens", "type: pounds"), "cannot be read"),
        (changed("providers: {}", "providers: {"), "cannot be read"),
    ],
)
def test_an_inconsistent_table_is_refused(text: str, told: str) -> None:
    """The message names the entry at fault."""
    with pytest.raises(ConfigurationError, match=r"dialects\.yaml") as refusal:
        parse(text)
    assert told in str(refusal.value)


def test_every_name_the_sdk_writes_is_read_or_withheld() -> None:
    """A name added to the vocabulary and forgotten here would be lost silently."""
    known = {spelling.key for spelling in shipped().spellings()}
    written = {
        value
        for name, value in vars(semconv).items()
        if name.isupper() and isinstance(value, str) and "." in value
        if not name.startswith("UNIT_")  # they stand behind the prefix
    } - {semconv.TAG_PREFIX, semconv.USAGE_UNITS_PREFIX, semconv.SERVICE_NAME}
    withheld = {key for key in written for pattern in shipped().content if matches(pattern, key)}
    assert written - known - withheld == set()


def test_the_file_has_no_key_twice() -> None:
    """YAML would let the second of two equal keys win without a word."""

    class Strict(yaml.SafeLoader):
        def construct_mapping(
            self, node: yaml.MappingNode, deep: bool = False
        ) -> dict[Hashable, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            assert len(keys) == len(set(keys)), keys
            return super().construct_mapping(node, deep)

    text = Path(dialects.__file__).with_name("dialects.yaml").read_text(encoding="utf-8")
    assert yaml.load(text, Loader=Strict)  # noqa: S506 -- a subclass of the safe loader
