"""The widget's files: packed once, and sent again only when they changed."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import Request, Response


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes
    tag: str
    media_type: str


def file_response(request: Request, path: Path) -> Response:
    """One text file: not at all when the browser has it, gzipped when it can unpack.

    Raises:
        OSError: There is no such file.
    """
    stat = path.stat()
    file = _read(path, stat.st_mtime_ns, stat.st_size)
    headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = file.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = file.packed
    return Response(body, media_type=file.media_type, headers=headers)


@lru_cache(maxsize=16)
def _read(path: Path, _changed_ns: int, _size: int) -> _File:
    body = path.read_bytes()
    # Weak: the packed and the plain form count as the same.
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(body, gzip.compress(body, 9, mtime=0), tag, media_type)
