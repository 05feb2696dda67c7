"""Telephone numbers, names and e-mail addresses: encrypted at rest, found again by a keyed hash."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import PrivateDataUnreadable


class PrivateData:
    """Encrypts with the newest key and reads with any, so that keys can be rotated."""

    def __init__(self, keys: tuple[str, ...], lookup_secret: str) -> None:
        """Derive what is needed from the secrets of the environment.

        Args:
            keys: `DATA_KEYS`, newest first, at least one.
            lookup_secret: `LOOKUP_SECRET`. It is not rotated with the keys: a new one
                would make every stored hash unfindable.
        """
        self._fernet = MultiFernet([Fernet(_derived(key, b"encryption")) for key in keys])
        self._lookup = _derived(lookup_secret, b"lookup")

    def encrypt(self, value: str) -> str:
        """ASCII token of a value; two tokens of the same value differ."""
        return self._fernet.encrypt(value.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The value of a token.

        Raises:
            PrivateDataUnreadable: No key in `DATA_KEYS` fits.
        """
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise PrivateDataUnreadable from error

    def rotate(self, token: str) -> str:
        """The same value under the newest key.

        Raises:
            PrivateDataUnreadable: No key in `DATA_KEYS` fits.
        """
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken as error:
            raise PrivateDataUnreadable from error

    def lookup(self, value: str) -> str:
        """64 hex digits by which an exact value is found without being readable."""
        return hmac.new(self._lookup, value.encode(), hashlib.sha256).hexdigest()


def _derived(secret: str, purpose: bytes) -> bytes:
    """A key for one purpose; each purpose its own, so that none reveals another."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"clinic-assistant " + purpose)
    return base64.urlsafe_b64encode(kdf.derive(secret.encode()))
