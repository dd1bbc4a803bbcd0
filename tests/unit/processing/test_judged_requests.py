"""How many requests to Rekognition an upload costs, each of which is billed. (Videos: tests/unit/videos.)"""

import hashlib
import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from media_pipeline.records.record import Status
from tests.fixtures.moto_stack import MotoStack
from tests.unit.images.drawing import detailed
from tests.unit.processing.driving import refuse_picture

SIZE = (320, 200)


def saved(image: Image.Image, format_name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def transparent() -> Image.Image:
    image = detailed(*SIZE).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(SIZE))
    return image


def moving(count: int, mode: str, format_name: str) -> bytes:
    """An animation of `count` pictures, no two of them alike."""
    frames = [detailed(*SIZE, seed=number + 1).convert(mode) for number in range(count)]
    if mode == "RGBA":
        for number, frame in enumerate(frames):
            frame.putalpha(Image.linear_gradient("L").resize(SIZE).rotate(90 * number))
    return saved(frames[0], format_name, save_all=True, append_images=frames[1:], duration=100)


@pytest.fixture
def webp_stack(stack: MotoStack) -> MotoStack:
    stack.settings = replace(stack.settings, specs=replace(stack.settings.specs, formats=("jpeg", "webp")))
    return stack


def requests(stack: MotoStack, name: str, data: bytes) -> int:
    event = stack.upload(name, data)
    assert stack.deliver(event)
    assert stack.record(name, event).status is Status.PUBLISHED
    return len(stack.rekognition.calls)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_opaque_photo_costs_one(stack: MotoStack, format_name: str) -> None:
    assert requests(stack, "a", saved(detailed(*SIZE), format_name)) == 1


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_transparent_picture_that_is_flattened_costs_one(stack: MotoStack, format_name: str) -> None:
    assert requests(stack, "a", saved(transparent(), format_name)) == 1


@pytest.mark.parametrize(("format_name", "mode"), [("WEBP", "RGB"), ("PNG", "RGBA")])
def test_animation_costs_eight_however_many_pictures_it_shows(
    webp_stack: MotoStack, format_name: str, mode: str
) -> None:
    assert requests(webp_stack, "a", moving(11, mode, format_name)) == 8


def test_animation_that_is_published_as_a_still_picture_costs_one(stack: MotoStack) -> None:
    assert requests(stack, "a", moving(11, "RGB", "WEBP")) == 1


def test_what_failed_at_one_picture_is_redriven_without_paying_for_the_others_again(
    webp_stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = webp_stack
    assert stack.deliver(stack.upload("first.webp", moving(8, "RGB", "WEBP")))
    refused = hashlib.sha256(stack.rekognition.calls[-1]["Image"]["Bytes"]).hexdigest()
    event = stack.upload("a.webp", moving(8, "RGB", "WEBP"))
    with monkeypatch.context() as patched:
        refuse_picture(patched, stack, refused)
        assert stack.deliver(event)
    record = stack.record("a.webp", event)
    assert (record.status, record.attributes["reason"]) == (Status.FAILED, "proxy_refused")
    answered = len(record.attributes["answers"]["pictures"])
    assert answered >= 4  # those that were under way at once
    stack.rekognition.calls.clear()
    assert stack.deliver({**event, "eventSource": "media-pipeline:redrive", "redrive": {"attempt": 1}})
    assert len(stack.rekognition.calls) == 8 - answered
    assert stack.record("a.webp", event).status is Status.PUBLISHED
