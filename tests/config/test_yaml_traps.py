"""YAML is read as people mean it, and what nobody can mean is a located fault."""

import pytest
import yaml

from scheduler.config.yaml_nodes import ALIAS_LIMIT, DEPTH_LIMIT, NODE_LIMIT, parse


def value(text: str):
    parsed = parse("x.yaml", f"key: {text}\n")
    assert parsed.faults == ()
    return parsed.documents[0].plain()["key"]


def faults(content: str | bytes) -> list[str]:
    return [str(fault) for fault in parse("x.yaml", content).faults]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("22:30", "22:30"),
        ("12:30:00", "12:30:00"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("+7", 7),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("~", None),
        ("", None),
        ('""', ""),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("2026-11-11", "2026-11-11"),
        ("1.2.3", "1.2.3"),
        ("-", None),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text, meaning):
    if text == "-":
        assert parse("x.yaml", "- \n").documents[0].plain() == [None]
        return
    assert value(text) == meaning
    assert type(value(text)) is type(meaning)


def test_keys_are_text_whatever_they_look_like():
    parsed = parse("x.yaml", "4090: 1\nno: 2\nnull: 3\n")
    assert parsed.documents[0].plain() == {"4090": 1, "no": 2, "null": 3}


def test_every_value_knows_its_place():
    root = parse("x.yaml", "a:\n  - {b: 1,\n     c: 2}\n").documents[0]
    entry = root.value["a"].node.value[0].value["c"]
    assert (entry.line, entry.column, entry.node.line, entry.node.column) == (3, 6, 3, 9)


def test_aliases_mean_what_they_stand_for():
    parsed = parse("x.yaml", "a: &a {b: [1, 2]}\nc: *a\n")
    assert parsed.documents[0].plain()["c"] == {"b": [1, 2]}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: duplicate key a: it is already at line 1"),
        ("a: .nan\n", "x.yaml:1:4: must be a finite number (got .nan)"),
        ("a: -.INF\n", "x.yaml:1:4: must be a finite number (got -.INF)"),
        ("a: 1e999\n", "x.yaml:1:4: must be a finite number (got 1e999)"),
        ("a: " + "9" * 65, "x.yaml:1:4: has more than 64 digits (got " + "9" * 60 + "...)"),
        ("a: !point 1\n", "x.yaml:1:4: tags are not supported: remove !point"),
        ("a: !!python/name:os.system x\n", "x.yaml:1:4: tags are not supported"),
        ("a: !!int '5'\n", "x.yaml:1:4: tags are not supported"),
        ("a: &a {b: 1}\nc: {<<: *a}\n", "x.yaml:2:5: merge keys are not YAML 1.2"),
        ("a:\n\tb: 1\n", "x.yaml:2:1: a tab cannot indent YAML"),
        ("a: [1, 2\n", "x.yaml:2:1: did not find expected"),
        ("a: *b\n", "x.yaml:1:4: no anchor &b stands before this alias"),
        ("a: &a [*a]\n", "x.yaml:1:8: the alias *a contains itself"),
        ("? [a]\n: 1\n", "x.yaml:1:3: a key must be text"),
        ("a: 1\nb: x\x00y\n", "x.yaml:2:5: character U+0000 does not belong in a text file"),
        ("a: 1\nb: \x1b[31m\n", "x.yaml:2:4: character U+001B does not belong"),
        (b"a: 1\nb: caf\xe9\n", "x.yaml:2:7: not UTF-8: byte 0xe9"),
        ("a: 1".encode("utf-16"), "x.yaml:1:1: not UTF-8: byte 0xff"),
        ("", "x.yaml:1:1: the file holds no document"),
        ("# nothing\n---\n", "x.yaml:1:1: the file holds no document"),
        ("[" * 100_000, f"x.yaml:1:49: nested deeper than {DEPTH_LIMIT} levels"),
        ("- " * 100_000, f"x.yaml:1:97: nested deeper than {DEPTH_LIMIT} levels"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_at_its_place(content, fault):
    found = faults(content)
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_all_faults_of_a_file_come_at_once():
    assert len(faults("a: .inf\na: 1\nb: !x 2\n")) == 3


def test_a_byte_order_mark_is_no_content():
    assert parse("x.yaml", b"\xef\xbb\xbfa: 1\n").documents[0].plain() == {"a": 1}


def test_a_file_may_hold_several_documents_and_empty_ones_between():
    parsed = parse("x.yaml", "---\na: 1\n---\n---\nb: 2\n...\n")
    assert [node.plain() for node in parsed.documents] == [{"a": 1}, {"b": 2}]


def test_documents_before_a_syntax_error_are_still_read():
    parsed = parse("x.yaml", "a: 1\n---\nb: [\n")
    assert len(parsed.documents) == 1
    assert len(parsed.faults) == 1


def test_a_billion_laughs_end_at_once():
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    found = faults("\n".join(lines))
    assert len(found) == 1
    assert f"more than {NODE_LIMIT:,} values" in found[0]


def test_aliases_cannot_nest_deeper_than_text_can():
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} {'[' * 20}*a{i - 1}{']' * 20}" for i in range(1, 500)]
    assert "nested deeper" in faults("\n".join(lines))[0]


def test_aliases_are_counted():
    text = "a: &a 1\nb: [" + ", ".join(["*a"] * (ALIAS_LIMIT + 1)) + "]\n"
    assert f"more than {ALIAS_LIMIT} aliases" in faults(text)[0]


def test_faults_are_the_same_without_the_c_parser():
    text = "a: 22:30\nb: &b {c: [1, no]}\nd: *b\na: 2\n"
    parsed = parse("x.yaml", text, loader=yaml.SafeLoader)
    assert parsed.documents[0].plain() == {
        "a": "22:30",
        "b": {"c": [1, "no"]},
        "d": {"c": [1, "no"]},
    }
    assert [str(fault) for fault in parsed.faults] == [
        "x.yaml:4:1: duplicate key a: it is already at line 1"
    ]
