"""The names of intents, read from `domain.yml`, for those who may not load Rasa."""

from __future__ import annotations

from functools import cache

import yaml

from bot.settings import ROOT


@cache
def intent_names() -> tuple[str, ...]:
    """Every intent a reviewer may name, in the order of the domain."""
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    names = (item if isinstance(item, str) else next(iter(item)) for item in domain["intents"])
    return tuple(name for name in names if name != "nlu_fallback")
