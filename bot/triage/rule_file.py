"""Reading and checking ``red_flags.yml``, ``word_lists.yml`` and ``context.yml``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, get_args

from bot.errors import RuleFileError
from bot.messages import Language, Tier
from bot.triage.context import Context, Idiom, Status
from bot.triage.cues import CUE_LISTS, Cues
from bot.triage.lexicon import Lexicon
from bot.triage.numbers import SIGNALS
from bot.triage.pattern_language import compile_line
from bot.triage.patterns import Sequences
from bot.triage.phrasebook import Phrasebook
from bot.triage.reading import Reader
from bot.triage.rules import Pattern, Rule
from bot.triage.strict_file import Node, read_file
from bot.triage.text import WordCutter
from bot.triage.timing import DayCondition

RULES_FILE: Final = "red_flags.yml"
WORD_LISTS_FILE: Final = "word_lists.yml"
CONTEXT_FILE: Final = "context.yml"
ORDINARY_WORDS_FILE: Final = "ordinary_words.txt"

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
REPLY_KINDS: Final = ("emergency", "urgent", "self_harm", "poison")
MIN_EVIDENCE: Final = 4
"""Phrases per language that must set a rule off, and in all that must not."""

_TIERS: Final = {"E": Tier.EMERGENCY, "U": Tier.URGENT, "S": Tier.ROUTINE}
ROWS: Final = (
    *(f"E{n}" for n in range(1, 16)),
    *(f"U{n}" for n in range(1, 17)),
    *(f"S{n}" for n in range(1, 11)),
)
"""The rows of the clinical fact sheet, section 9. Each needs a rule."""

_ID: Final = re.compile(r"([EUS]\d{1,2})-[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_REQUIRED: Final = [
    "id",
    "row",
    "tier",
    "title",
    "owner",
    "reviewed_on",
    "languages",
    "patterns",
    "matches",
    "ignores",
]
_OPTIONAL: Final = ("reply", "counts_when", "visit", "unless", "unless_in_sentence", "day")


def read_rules(folder: Path) -> tuple[list[Rule], Reader]:
    """Read the rules of a folder, and the reader that knows all their words.

    Raises:
        RuleFileError: A file is invalid.
    """
    cutter = WordCutter()
    book = Phrasebook(cutter)
    lists, signs = _word_lists(read_file(folder / WORD_LISTS_FILE), book)
    context = _context(read_file(folder / CONTEXT_FILE), lists, signs, book)
    rules = _rules(read_file(folder / RULES_FILE), lists, book)
    lexicon = Lexicon(book.vocabulary, _ordinary_words(folder / ORDINARY_WORDS_FILE))
    return rules, Reader(cutter, lexicon, book, context)


def _word_lists(file: Node, book: Phrasebook) -> tuple[frozenset[str], frozenset[str]]:
    groups = file.mapping(required=("signs", "helpers"))
    names: list[str] = []
    for group in groups.values():
        for name, node in group.mapping(optional=None).items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in names:
                raise node.error("a word list needs a name of its own, in small letters")
            names.append(name)
            words = node.mapping(optional=(*LANGUAGES, "signals"))
            if not words:
                raise node.error("the word list is empty")
            for key, entries in words.items():
                for entry in entries.texts():
                    if key == "signals" and f"<{entry}>" not in SIGNALS:
                        raise entries.error(f"there is no signal {entry!r}")
                    _add(book, name, f"<{entry}>" if key == "signals" else entry, entries)
    return frozenset(names), frozenset(groups["signs"].mapping(optional=None))


def _add(book: Phrasebook, concept: str, phrase: str, node: Node) -> None:
    try:
        book.add(concept, phrase)
    except ValueError as error:
        raise node.error(str(error)) from error


def _context(file: Node, lists: frozenset[str], signs: frozenset[str], book: Phrasebook) -> Context:
    sections = file.mapping(required=(*CUE_LISTS, "idioms"))
    entries = {
        name: [
            entry
            for node in sections[name].mapping(optional=(*LANGUAGES, "both")).values()
            for entry in node.texts()
        ]
        for name in CUE_LISTS
    }
    try:
        cues = Cues(entries, lists, book)
    except ValueError as error:
        raise file.error(str(error)) from error
    idioms = [
        _idiom(item, lists, book)
        for node in sections["idioms"].mapping(optional=(*LANGUAGES, "both")).values()
        for item in node.items()
    ]
    return Context(cues, idioms, signs)


def _idiom(item: Node, lists: frozenset[str], book: Phrasebook) -> Idiom:
    if isinstance(item.value, str):
        return Idiom(_line(item, lists, book), frozenset())
    parts = item.mapping(required=("phrase", "hides"))
    hides = frozenset(parts["hides"].texts())
    if hides - lists:
        raise item.error(f"there is no word list {', '.join(sorted(hides - lists))}")
    return Idiom(_line(parts["phrase"], lists, book), hides)


def _line(node: Node, lists: Collection[str], book: Phrasebook) -> Sequences:
    try:
        return compile_line(node.text(), lists, book)
    except ValueError as error:
        raise node.error(str(error)) from error


def _lines(node: Node | None, lists: Collection[str], book: Phrasebook) -> tuple[Sequences, ...]:
    return tuple(_line(item, lists, book) for item in node.items()) if node else ()


def _rules(file: Node, lists: frozenset[str], book: Phrasebook) -> list[Rule]:
    rules: dict[str, Rule] = {}
    for node in file.mapping(required=("red_flags",))["red_flags"].items():
        rule = _rule(node, lists, book)
        if rule.id in rules:
            raise RuleFileError(file.path, "two rules have this id", rule_id=rule.id)
        rules[rule.id] = rule
    covered = {rule.row for rule in rules.values()}
    missing = [row for row in ROWS if row not in covered]
    if missing:
        raise file.error(f"no rule for row {', '.join(missing)} of the fact sheet")
    return list(rules.values())


def _rule(node: Node, lists: frozenset[str], book: Phrasebook) -> Rule:
    if isinstance(node.value, dict) and isinstance(node.value.get("id"), str):
        node = Node(node.value, node.path, "", node.value["id"])
    keys = node.mapping(required=_REQUIRED, optional=_OPTIONAL)
    rule_id = keys["id"].text()
    named = _ID.match(rule_id)
    row = keys["row"].one_of(ROWS)
    if named is None or named.group(1) != row:
        raise keys["id"].error(f"must be the row, a hyphen and a slug, such as {row}-some-sign")
    tier = Tier[keys["tier"].one_of([t.name.lower() for t in Tier]).upper()]
    if tier is not _TIERS[row[0]]:
        raise keys["tier"].error(f"row {row} is {_TIERS[row[0]].name.lower()}")
    languages = tuple(lang for lang in LANGUAGES if lang in keys["languages"].texts())
    if set(keys["languages"].texts()) != set(languages):
        raise keys["languages"].error(f"must be among {', '.join(LANGUAGES)}")
    day = _day(keys["day"]) if "day" in keys else None
    default = "emergency" if tier is Tier.EMERGENCY else "urgent"
    counts = keys["counts_when"].texts() if "counts_when" in keys else ["live"]
    if not {"live"} <= set(counts) <= {status.value for status in Status}:
        raise keys["counts_when"].error("must hold 'live', and only ways a match can be meant")
    if tier is Tier.EMERGENCY:
        # Getting better does not cancel the advice to call 911.
        counts = [*counts, Status.SETTLED.value]
    return Rule(
        id=rule_id,
        row=row,
        tier=tier,
        title=keys["title"].text(),
        owner=keys["owner"].text(),
        reviewed_on=keys["reviewed_on"].day(),
        languages=languages,
        reply=keys["reply"].one_of(REPLY_KINDS) if "reply" in keys else default,
        counts_when=frozenset(Status(name) for name in counts),
        visit=keys["visit"].one_of(("before", "after")) if "visit" in keys else "any",
        patterns=tuple(_pattern(item, day, lists, book) for item in keys["patterns"].items()),
        unless=_lines(keys.get("unless"), lists, book),
        unless_in_sentence=_lines(keys.get("unless_in_sentence"), lists, book),
        matches=_evidence(keys["matches"], languages, each=MIN_EVIDENCE),
        ignores=_evidence(keys["ignores"], languages, each=1),
    )


def _pattern(
    node: Node, day: DayCondition | None, lists: frozenset[str], book: Phrasebook
) -> Pattern:
    if isinstance(node.value, str):
        return Pattern(((_line(node, lists, book),),), (), None, day)
    keys = node.mapping(optional=("pattern", "all_of", "topic", "within", "day"))
    if ("pattern" in keys) == ("all_of" in keys):
        raise node.error("needs either 'pattern' or 'all_of'")
    own = _day(keys["day"]) if "day" in keys else day
    within: int | None = None
    if "within" in keys:
        value = keys["within"].value
        if type(value) is not int or value < 1 or "all_of" not in keys:
            raise keys["within"].error("must be a number of words, beside 'all_of'")
        within = value
    topic = _lines(keys.get("topic"), lists, book)
    if "pattern" in keys:
        return Pattern(((_line(keys["pattern"], lists, book),),), topic, None, own)
    parts = []
    for part in keys["all_of"].items():
        lines = part.items() if isinstance(part.value, list) else [part]
        parts.append(tuple(_line(line, lists, book) for line in lines))
    if len(parts) < 2:
        raise keys["all_of"].error("needs at least two parts")
    return Pattern(tuple(parts), topic, within, own)


def _day(node: Node) -> DayCondition:
    try:
        return DayCondition.parse(node.text())
    except ValueError as error:
        raise node.error(str(error)) from error


def _evidence(
    node: Node, languages: Collection[Language], *, each: int
) -> Mapping[Language, tuple[str, ...]]:
    by_language = node.mapping(required=languages)
    phrases = {lang: tuple(by_language[lang].texts()) for lang in LANGUAGES if lang in by_language}
    for lang, found in phrases.items():
        if len(found) < each:
            raise node.error(f"needs at least {each} phrases in {lang!r}")
    if sum(map(len, phrases.values())) < MIN_EVIDENCE:
        raise node.error(f"needs at least {MIN_EVIDENCE} phrases")
    return phrases


def _ordinary_words(path: Path) -> frozenset[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RuleFileError(path, f"cannot be read: {error}") from error
    return frozenset(line.strip() for line in lines if line and not line.startswith("#"))
