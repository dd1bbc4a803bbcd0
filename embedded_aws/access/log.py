"""What callers did and tried: every distinct permission once."""

import threading
from dataclasses import dataclass
from typing import Any

from embedded_aws.access.actions import Need
from embedded_aws.access.policies import as_list, matches, statements


@dataclass(frozen=True, kw_only=True)
class Access:
    """One permission that a request needed, and whether it was granted. `role` is the caller's name."""

    role: str
    action: str
    resource: str
    allowed: bool


class AccessLog:
    """Thread-safe; the administrator's requests are not recorded."""

    def __init__(self) -> None:
        self._seen: dict[Access, int] = {}
        self._lock = threading.Lock()

    def record(self, access: Access) -> None:
        """Count one use."""
        with self._lock:
            self._seen[access] = self._seen.get(access, 0) + 1

    @property
    def allowed(self) -> list[Access]:
        """Return what was granted, in order of first use."""
        return [access for access in self._seen if access.allowed]

    @property
    def denied(self) -> list[Access]:
        """Return what was refused, in order of first use."""
        return [access for access in self._seen if not access.allowed]

    def unused(self, role: str, documents: list[Any]) -> list[Need]:
        """Return the pairs of action and resource that policy documents grant and no request of the role used."""
        used = [access for access in self.allowed if access.role == role]
        return [
            Need(action, resource)
            for document in documents
            for statement in statements(document)
            if statement.get("Effect") == "Allow"
            for action in as_list(statement.get("Action", []))
            for resource in as_list(statement.get("Resource", []))
            if not any(
                matches(action, access.action, ignore_case=True) and matches(resource, access.resource)
                for access in used
            )
        ]
