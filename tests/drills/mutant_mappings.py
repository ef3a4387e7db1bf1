"""Mapping files that were sound until something happened to them, each with the sample that it is to read."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from data_contracts.mapping_files import EXPORTS
from tests.drills.mutants import NASTY, SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(p.name for p in SAMPLES.iterdir() if (p / "expected.yaml").is_file())
# What stands where something else belongs; each is a reading, a query, a template or a place that somebody may write.
STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, float("nan"), 10**30, [], {}, [None], [1, 2], {"a": None}, [[]], [{}], {1: 2}, {None: 1},
    "utf-7", "rot13", "base64", "no-such-encoding", "utf-16", ",,", "\t", "\n", '"', "界", "Mars/Olympus", "UTC",
    "America/New_York", "+08:00", "SELECT * FROM file", "SELECT 1 AS _row", "SELECT _row FROM file", "DROP TABLE file",
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT", "SELECT * FROM file, file AS other",
    "SELECT *, 1 AS _broken FROM file",
    "{a}{", "{}", "{a|b?}", "{=note_id}", "{=no_such}", "{=exported_at?}", "}{", "x{笔记ID}", "data..list", ".", "a#2",
    "#", "x#10",
    "exported_at", "brand", "note_id", "笔记ID", "user_id", "1" * 30, "../../etc/passwd", "/etc/passwd",
    "[", "(?<x", "\\",
    "Sheet2", "keep", "empty", "fen", "turned", "{笔记ID} / ({消费} - {消费})", "1/0", "__import__('os')",
)  # fmt: skip
TEXTS = (
    "\t", "a: &a [*a]\n", "<<: *x\n", "!!python/object/apply:os.system ['true']\n", "--- \n---\n", "? [a]\n: b\n",
    "columns: &c {x: *c}\n", "a: !!binary x\n", "a: !!timestamp x\n", "a: 2026-02-30\n", "a: !!set {x}\n",
    "%YAML 9.9\n",
    "a: [" * 2_000, "- " * 3_000, "'", '"', "{", "a: b: c\n", "\x00", "\x07", "\ufeff", "\u2028", "@", "%",
    "a: |\n x\n  y\n z", "export: x\nexport: y\n", "yes: no\n", "~: ~\n", "=: 1\n", "0x10: 1_000\n", "a: !!float x\n",
    "a: !!int x\n", "a: .nan\n",
    "columns: {<<: 3}\n", "columns: {<<: [1]}\n", "a: 12:30:45\n", "a: !x y\n", "title: " + "x" * 100_000 + "\n",
)  # fmt: skip


@dataclass(frozen=True)
class MappingMutant:
    """The bytes of a mapping file, and a sample to be read by it."""

    content: bytes
    sample: Path


def mapping_mutant(number: int, seed: int, /) -> MappingMutant:
    """The mutant of this number."""
    draw = random.Random(f"{seed} mapping {number}")
    name = draw.choice(NAMES)
    samples = sorted(p for p in (SAMPLES / name).iterdir() if p.name != "expected.yaml")
    tree = _extension(draw, name) if draw.random() < 0.5 else _renamed(name)
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        _change(draw, tree)
    try:
        text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
    except (yaml.YAMLError, TypeError, RecursionError):
        text = repr(tree)
    content = text.encode("utf-8", errors="surrogatepass")
    if draw.random() < 0.3:
        content = _damaged(draw, content)
    return MappingMutant(content, draw.choice(samples))


def _renamed(name: str) -> dict[str, Any]:
    """A delivered mapping as one of the installation's own, which tells more than the delivered one."""
    tree = yaml.safe_load((EXPORTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return tree | {"export": "mine", "recognise": [*tree.get("recognise", []), *tree.get("recognise", [])]}


def _extension(draw: random.Random, name: str) -> dict[str, Any]:
    whole = yaml.safe_load((EXPORTS / f"{name}.yaml").read_text(encoding="utf-8"))
    keys = draw.sample(sorted(set(whole) - {"export"}), draw.randint(1, 3))
    tree = {"extends": name} | {key: whole[key] for key in keys}
    for key, stated in (
        ("also_called", {"笔记ID": ["作品ID"]}), ("take", ["shop_conversions"]), ("time_zone", "Asia/Tokyo"),
        ("read", {"encoding": "gb18030", "delimiter": ",", "header_row": 1, "sheet": None, "records": None}),
        ("query", "SELECT * FROM file"), ("leave_out", [{"from": "笔记ID", "values": [""]}]), ("missing", ["-1"]),
        ("siblings", {"other": "other.csv"}), ("columns", {"note_id": {"template": "x{笔记ID}"}}),
        ("figures", [{"of": "互动量", "equals": "{点赞}+{收藏}"}]),
        ("each", [{"part": {"value": "all"}, "reads": "阅读量"}]),
    ):  # fmt: skip
        if draw.random() < 0.2:
            tree[key] = stated
    return tree


def _change(draw: random.Random, tree: Any) -> None:
    """Change one of the places of a tree; it may come to hold itself."""
    places: list[tuple[Any, Any]] = []
    level, seen = [tree], set()
    while level:
        node = level.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))
            level.append(node[key])
    if not places:
        return
    node, key = draw.choice(places)
    what = draw.randrange(9)
    value = node[key]
    if what == 0:
        del node[key]
    elif what == 1:
        node[key] = [value]
    elif what == 2:
        node[key] = {"from": value}
    elif what == 3:
        node[key] = node
    elif what == 4 and isinstance(node, dict):
        strange = draw.choice(
            ("", "x", 1, None, True, 1.5, f"{key}s", "extends", "feeds", "export", "columns", "query", "each")
        )
        node[strange] = node.pop(key)
    elif what == 5 and isinstance(node, dict):
        node[draw.choice(("unknown", "encoding", "optional", "from", "default", "codes", "unit", "feed"))] = value
    elif what == 6:
        other, at = draw.choice(places)
        node[key] = other[at] if at in other or (isinstance(other, list) and at < len(other)) else None
    else:
        node[key] = draw.choice(STRANGE if draw.random() < 0.8 else NASTY)


def _damaged(draw: random.Random, content: bytes) -> bytes:
    at = draw.randint(0, len(content))
    line = content.rfind(b"\n", 0, at) + 1
    return draw.choice(
        (
            content[:at],
            content[:line] + draw.choice(TEXTS).encode() + content[line:],
            draw.choice(TEXTS).encode() + content,
            draw.choice(TEXTS).encode(),
            content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :],
            content.replace(b"  ", b"\t", 1),
            re.sub(rb": ", b":", content, count=3),
            content.decode().encode("utf-16"),
            content.decode().encode("gb18030", errors="replace"),
            b"",
        )
    )
