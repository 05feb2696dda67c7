"""`rasa` without TensorFlow, for serving a model that uses none of it.

    python -m bot.dialogue.light_rasa run …

Rasa's server imports TensorFlow whatever the pipeline is: five seconds of its start and a
quarter of a gigabyte. While every component of `config.yml` is known to do without, modules
that stand for it are put in its place; otherwise the real one is imported as usual.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final, NoReturn

import yaml

from bot.settings import ROOT

ABSENT: Final = ("tensorflow", "keras")
WITHOUT: Final = frozenset({"SpacyNLP", "SpacyTokenizer", "FallbackClassifier", "RulePolicy"})
"""Rasa's own components that never touch it; ours never do."""


class _Nothing(type):
    """Of classes that may be named and derived from, which Rasa does on import, but not used."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name, (), {})

    def __call__(cls, *_args: Any, **_options: Any) -> NoReturn:
        raise RuntimeError(f"{cls.__name__} needs TensorFlow, which this server runs without")


class _Absence(ModuleType):
    """A module that has whatever is asked of it, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name, (), {})


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.split(".")[0] in ABSENT else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Absence(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


def needless(config: dict[str, Any]) -> bool:
    """Whether a pipeline with its policies is known to do without TensorFlow."""
    parts = [*(config.get("pipeline") or []), *(config.get("policies") or [])]
    names = [part if isinstance(part, str) else part["name"] for part in parts]
    # A list that is missing means Rasa's defaults, which need it.
    known = all(name in WITHOUT or name.startswith("bot.") for name in names)
    return known and bool(config.get("pipeline")) and bool(config.get("policies"))


def main() -> None:
    """Run Rasa's command line."""
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    if needless(config):
        sys.meta_path.insert(0, _Finder())
    from rasa.__main__ import main as rasa

    sys.argv[0] = "rasa"
    rasa()


if __name__ == "__main__":
    main()
