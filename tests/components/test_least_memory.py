"""The least memory that a stack may give its functions follows from what the functions estimate an upload to take."""

import io

import pytest
from PIL import Image

from components import bounds
from components.config_errors import ConfigError
from media_pipeline.errors import RejectedError
from media_pipeline.images.inspection import inspect
from media_pipeline.images.memory_estimate import check_memory
from media_pipeline.limits import Limits
from media_pipeline.settings.functions import upload_memory
from media_pipeline.videos.video_limits import VideoLimits
from tests.components.config_parsing import Raw, parse, put


def test_a_megapixel_of_the_dearest_kind_of_picture_fits_into_the_least_memory() -> None:
    pixels = Image.new("RGB", (1000, 1000)), Image.new("RGB", (1000, 1000), "red")
    animation = io.BytesIO()
    pixels[0].save(animation, "WEBP", save_all=True, append_images=pixels[1:], method=0)
    inspection = inspect(animation.getvalue(), Limits())
    least, _ = bounds.IMAGE_MEMORY_MB
    check_memory(pixels[0], inspection, Limits(memory=upload_memory(least)))
    with pytest.raises(RejectedError, match="too_many_pixels"):
        check_memory(pixels[0], inspection, Limits(memory=upload_memory(least - 1)))


def test_a_megapixel_of_a_film_fits_into_the_least_memory() -> None:
    least, _ = bounds.VIDEO_MEMORY_MB
    VideoLimits(memory=upload_memory(least)).check_picture(1000, 1000)
    with pytest.raises(RejectedError, match="too_many_pixels"):
        VideoLimits(memory=upload_memory(least - 1)).check_picture(1000, 1000)


@pytest.mark.parametrize(("function", "least"), [("image", 360), ("video", 414)])
def test_memory_in_which_no_upload_would_fit_is_refused(raw: Raw, function: str, least: int) -> None:
    with pytest.raises(ConfigError, match=rf"memory\.{function}: {least - 1}"):
        parse(put(raw, f"memory.{function}", least - 1))
