"""Writing YAML the way a clinician would want to read it."""

from __future__ import annotations

from typing import Final

import yaml

_WIDTH: Final = 100


class _Dumper(yaml.SafeDumper):
    """SafeDumper that indents lists, spares anchors and keeps long text readable."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


class _Paragraphs(str):
    """Text that keeps its line breaks: ``|``."""


class _Folded(str):
    """One long line, wrapped for reading: ``>-``."""


class _Inline(list[str]):
    """A short list on one line: ``[D6, R1]``."""


_Dumper.add_representer(
    _Paragraphs,
    lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style="|"),
)
_Dumper.add_representer(
    _Folded,
    lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style=">"),
)
_Dumper.add_representer(
    _Inline,
    lambda dumper, data: dumper.represent_sequence(
        "tag:yaml.org,2002:seq", list(data), flow_style=True
    ),
)


def render(document: dict[str, object]) -> str:
    """Write one answer file; keys keep their order, answers stand apart by a blank line."""
    head = {key: value for key, value in document.items() if key != "answers"}
    answers = document["answers"]
    assert isinstance(answers, list)
    blocks = [_dump({"answers": [_styled(answer)]}).split("\n", 1)[1] for answer in answers]
    return _dump(head) + "answers:\n" + "\n".join(blocks)


def _styled(answer: dict[str, object]) -> dict[str, object]:
    styled = dict(answer)
    for key in ("source", "related"):
        styled[key] = _Inline(styled[key])  # type: ignore[call-overload]
    # PyYAML falls back to quotes for a block with a line that ends in a space.
    body = "\n".join(line.rstrip() for line in str(answer["body"]).splitlines())
    styled["body"] = _Paragraphs(body + "\n")
    sms = str(answer["sms"])
    styled["sms"] = _Paragraphs(sms) if "\n" in sms else _Folded(sms)
    return styled


def _dump(value: object) -> str:
    return yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
        default_flow_style=False,
    )
