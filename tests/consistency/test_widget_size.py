"""The chat stays small: patients load it on phones, with every page of the clinic's site."""

from __future__ import annotations

import gzip
import subprocess

from bot.settings import ROOT

LIMIT_BYTES = 15_000


def test_the_whole_chat_fits_its_budget() -> None:
    source = (ROOT / "bot" / "widget" / "clinic-chat.js").read_bytes()
    size = len(gzip.compress(source, compresslevel=9, mtime=0))
    assert size <= LIMIT_BYTES, f"{size} bytes compressed, {size - LIMIT_BYTES} too many"


def test_make_size_prints_the_bytes() -> None:
    printed = subprocess.run(
        ["make", "--no-print-directory", "size"], cwd=ROOT, capture_output=True, text=True
    )
    assert printed.returncode == 0, printed.stderr
    assert 5_000 < int(printed.stdout) <= LIMIT_BYTES
