"""Which sources an answer may cite, and how far each is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.content.strict_yaml import check_keys, read_mapping, text, text_keys

SOURCES_FILE = Path(__file__).resolve().parents[2] / "data" / "sources.yml"


@dataclass(frozen=True, slots=True)
class Source:
    """One source of clinical statements.

    Attributes:
        key: What an answer lists under ``source``.
        citation: Enough to find it again.
        confidence: How it was consulted, as the head of the file explains.
    """

    key: str
    citation: str
    confidence: str


def load_sources(path: Path = SOURCES_FILE) -> dict[str, Source]:
    """Read the list of sources by key.

    Raises:
        ContentError: The file cannot be read, or an entry is incomplete.
    """
    sources: dict[str, Source] = {}
    for key, value in read_mapping(path).items():
        entry = text_keys(value, key, path=path)
        check_keys(entry, required=("citation", "confidence"), path=path)
        sources[key] = Source(
            key=key,
            citation=text(entry["citation"], f"{key}.citation", path=path),
            confidence=text(entry["confidence"], f"{key}.confidence", path=path),
        )
    return sources
