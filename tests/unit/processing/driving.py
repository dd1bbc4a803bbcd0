"""Pictures, labels and ways to kill a function, shared by the tests of the processing."""

import contextlib
import hashlib
import io
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from tests.fixtures.moto_stack import MotoStack

LEASE_OVER = 80.0  # seconds: longer than the lease of a function of 60 s

WEAPON = [("Violence", "", 95.0), ("Weapons", "Violence", 95.0)]
KILLED = KeyboardInterrupt  # like SIGKILL, no `except Exception` of the function catches it


def settle(stack: MotoStack, *events: dict[str, Any], times: int = 3) -> None:
    """Deliver a message until it is acknowledged."""
    for _ in range(times):
        if stack.deliver(*events):
            return
    pytest.fail("the message was never acknowledged")


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool = False) -> None:
    """Kill the function at its next call of `owner.name`, once."""
    real = getattr(owner, name)

    def killed(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(owner, name, real)
        if after:
            with contextlib.suppress(ClientError):
                real(*args, **kwargs)
        raise KILLED

    monkeypatch.setattr(owner, name, killed)


def refuse_picture(monkeypatch: pytest.MonkeyPatch, stack: MotoStack, sha256: str) -> None:
    """Let Rekognition take every picture but one."""
    answer = stack.rekognition.detect_moderation_labels

    def refusing(**request: Any) -> dict[str, Any]:
        if hashlib.sha256(request["Image"]["Bytes"]).hexdigest() == sha256:
            raise ClientError({"Error": {"Code": "InvalidImageFormatException"}}, "DetectModerationLabels")
        return answer(**request)

    monkeypatch.setattr(stack.rekognition, "detect_moderation_labels", refusing)


def draw(colour: tuple[int, int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(data, "JPEG")
    return data.getvalue()


def big() -> bytes:
    return draw_noise(1200, 1000)


def draw_noise(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.effect_noise((width, height), 90).save(data, "JPEG")
    return data.getvalue()
