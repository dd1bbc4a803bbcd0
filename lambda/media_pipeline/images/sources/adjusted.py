"""A decoded picture, and what its decoder leaves undone."""

from collections.abc import Callable
from typing import Any

from PIL import Image


class Adjusted(Image.Image):
    """An opened picture whose pixels are changed once they are decoded; its header is read as it is."""

    def __init__(
        self,
        source: Image.Image,
        adjust: Callable[[Image.Image], Image.Image],
        *,
        mode: str | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Hold an opened picture; `mode` and `size` are those that `adjust` will give it."""
        super().__init__()
        self._source = source
        self._adjust = adjust
        self._header = mode or source.mode, size or source.size
        self._mode, self._size = self._header
        self._is_loaded = False
        self.decoded_pixels = source.width * source.height
        self.info = source.info
        self.format = source.format
        self.n_frames: int = getattr(source, "n_frames", 1)

    def seek(self, frame: int) -> None:
        """Go to a frame."""
        if frame != self._source.tell():
            self._source.seek(frame)
            self._is_loaded = False
            self._mode, self._size = self._header

    def tell(self) -> int:
        """Return the number of the frame."""
        return self._source.tell()

    def getexif(self) -> Image.Exif:
        """Return the EXIF of the file."""
        return self._source.getexif()

    def load(self) -> Any:  # Pillow gives the type no public name
        """Decode the frame and adjust it."""
        if not self._is_loaded:
            self._source.load()
            made = self._adjust(self._source)
            self.info = self._source.info
            made.load()
            self._mode, self._size, self.im, self.palette = made.mode, made.size, made.im, made.palette
            self._is_loaded = True
            if self.n_frames == 1:
                self._source = Image.Image()  # its pixels are not needed any more
        return super().load()
