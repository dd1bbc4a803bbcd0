"""WebP files: a still's decoder is let go of before its pixels become a picture, which halves what it takes."""

from typing import Any

from PIL import Image

from media_pipeline.images.containers.webp import canvas
from media_pipeline.images.decoding import check_pixels, open_as
from media_pipeline.limits import Limits


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's header.

    Raises RejectedError: too_many_pixels, corrupt.
    """
    # The decoder takes the memory of the whole canvas at the moment it is opened.
    check_pixels(*canvas(data), limits)
    image = open_as("WEBP", "PIL.WebPImagePlugin", data, limits)
    return image if getattr(image, "n_frames", 1) > 1 else _Still(image)


class _Still(Image.Image):
    """A WebP of one frame.

    Pillow decodes it as an animation: two canvases, a copy of the frame as bytes and the picture are 16 bytes per
    pixel, and the decoder stays for as long as the picture. Here canvases and picture are never there at once.
    """

    def __init__(self, source: Image.Image) -> None:
        super().__init__()
        self._decoder: Any = vars(source).pop("_decoder")
        self._mode, self._size = source.mode, source.size
        self._stored_as: str = vars(source)["rawmode"]
        self.info = source.info
        self.format = source.format
        self.n_frames = 1

    def load(self) -> Any:  # Pillow gives the type no public name
        """Decode the frame; the decoder is used up."""
        if self._decoder is not None:
            frame = self._decoder.get_next()
            self._decoder = None
            if frame is None:
                raise EOFError("the frame cannot be decoded")
            self.im = Image.frombytes(self._mode, self._size, frame[0], "raw", self._stored_as).im
        return super().load()
