"""Time-based one-time passwords, as authenticator apps compute them (RFC 6238 with SHA-1, 30 s, 6 digits)."""

import base64
import hashlib
import hmac
import secrets
import time

_STEP_SECONDS = 30
_DIGITS = 6
_KEY_BYTES = 20
_STEPS_OFF = (0, -1, 1)  # a code of the step before or after: clocks differ


def new_key() -> str:
    """Return a new key in base 32."""
    return base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()


def code(key: str, now: float | None = None) -> str:
    """Return the code of a key at `now`, in epoch seconds."""
    moment = time.time() if now is None else now
    counter = int(moment) // _STEP_SECONDS
    digest = hmac.digest(base64.b32decode(key), counter.to_bytes(8), hashlib.sha1)
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def is_code(text: str, key: str) -> bool:
    """Return whether a text is the key's code of about now."""
    now = time.time()
    return any(
        hmac.compare_digest(text.strip().encode(), code(key, now + _STEP_SECONDS * step).encode())
        for step in _STEPS_OFF
    )
