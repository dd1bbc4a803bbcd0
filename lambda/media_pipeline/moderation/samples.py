"""Which versions a person looks at only so that mistakes can be counted: chosen by a hash, always the same ones."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from media_pipeline.errors import SettingsError

_ALLOWED, _SECOND_LOOK = "allowed", "secondLook"
_HASH_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Shares in percent; 0 for none."""

    allowed: float = 0.0
    """Of what the policy allowed: a person checks it after it was published."""
    second_look: float = 0.0
    """Of what one person approved or rejected: another one says what they would have decided."""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "Samples":
        """Parse `{"allowed"?, "secondLook"?}`. Raises SettingsError for anything else."""
        if unknown := sorted(set(document) - {_ALLOWED, _SECOND_LOOK}):
            raise SettingsError(f"REVIEW_SAMPLES: unknown {', '.join(unknown)}")
        shares = {name: document.get(name, 0) for name in (_ALLOWED, _SECOND_LOOK)}
        for name, share in shares.items():
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 100:
                raise SettingsError(f"REVIEW_SAMPLES.{name}: a number from 0 to 100 is needed, got {share!r}")
        return cls(allowed=float(shares[_ALLOWED]), second_look=float(shares[_SECOND_LOOK]))

    def has_check(self, object_key: str, version: str) -> bool:
        """Return whether an allowed version is checked by a person."""
        return _is_chosen(_ALLOWED, object_key, version, self.allowed)

    def has_second_look(self, object_key: str, version: str) -> bool:
        """Return whether another person looks again at a version that one decided about."""
        return _is_chosen(_SECOND_LOOK, object_key, version, self.second_look)


def _is_chosen(purpose: str, object_key: str, version: str, percent: float) -> bool:
    """Return whether a version is among `percent` of all; each purpose chooses others."""
    text = "\0".join((purpose, object_key, version))
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:_HASH_BYTES]
    return int.from_bytes(digest) / (1 << 8 * _HASH_BYTES) * 100 < percent
