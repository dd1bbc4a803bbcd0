"""Animations whose frames are parts of a canvas (GIF, APNG): composed as browsers do, one frame after the other.

The canvas has the size of the screen, whatever the frames' sizes, and is clear where nothing was drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

KEEP, CLEAR, RESTORE = 0, 1, 2
"""What happens to a part's region once it was shown: nothing, it becomes clear, it becomes as it was before."""
_CLEAR = (0, 0, 0, 0)


@dataclass(frozen=True)
class Part:
    """One frame: a picture in RGB or RGBA, to be drawn at a place of the canvas."""

    at: tuple[int, int]
    size: tuple[int, int]
    milliseconds: float
    disposal: int
    is_blended: bool
    """Whether it is laid over the canvas, rather than replacing its region."""
    decode: Callable[[], Image.Image]


class Canvas(Image.Image):
    """A picture that shows one frame after the other, as Pillow's own animated pictures do.

    Where nothing can shine through (`is_opaque`), it is RGB, otherwise RGBA.
    """

    def __init__(
        self, size: tuple[int, int], parts: Sequence[Part], *, is_opaque: bool, default_image: bool
    ) -> None:
        """Hold the parts; `default_image` says that the first one is not a part of the animation."""
        super().__init__()
        self._size = size
        self._mode = "RGB" if is_opaque else "RGBA"
        self._parts = parts
        self._wanted = 0
        self._drawn = -1
        self._canvas = Image.Image()
        self._before: Image.Image | None = None
        self.n_frames = len(parts)
        self.default_image = default_image
        self.info["duration"] = parts[0].milliseconds

    @property
    def all_pixels(self) -> int:
        """Pixels that are decoded or composed to show all frames once."""
        return sum(max(self.width * self.height, part.size[0] * part.size[1]) for part in self._parts)

    @property
    def decoded_pixels(self) -> int:
        """Pixels of the largest frame, which may be larger than the canvas."""
        return max(part.size[0] * part.size[1] for part in self._parts)

    def seek(self, frame: int) -> None:
        """Go to a frame."""
        if not 0 <= frame < self.n_frames:
            raise EOFError("no more frames")
        self._wanted = frame
        self.info["duration"] = self._parts[frame].milliseconds

    def tell(self) -> int:
        """Return the number of the frame."""
        return self._wanted

    def load(self) -> Any:  # Pillow gives the type no public name
        """Compose the frame, and all before it that were not."""
        if self._wanted < self._drawn:
            self._drawn = -1
        while self._drawn < self._wanted:
            if self._drawn < 0:
                self._canvas = Image.new(self._mode, self._size, _CLEAR[: len(self._mode)])
            else:
                self._dispose(self._parts[self._drawn])
            self._drawn += 1
            self._draw(self._parts[self._drawn])
            self.im = self._canvas.im
        return super().load()

    def _draw(self, part: Part) -> None:
        box = self._region(part)
        self._before = None
        if box is None:
            return
        if part.disposal == RESTORE and self._drawn > 0:
            self._before = self._canvas.crop(box)
        picture = part.decode()
        size = box[2] - box[0], box[3] - box[1]
        picture = picture if picture.size == size else picture.crop((0, 0, *size))
        if not part.is_blended or picture.mode != "RGBA":
            self._canvas.paste(picture.convert(self._mode), box)
        elif self._mode == "RGBA":
            self._canvas.alpha_composite(picture, box[:2])
        else:
            self._canvas.paste(picture.convert("RGB"), box, picture.getchannel("A"))

    def _dispose(self, part: Part) -> None:
        box = self._region(part)
        if box is None:
            return
        if part.disposal == RESTORE and self._before is not None:
            self._canvas.paste(self._before, box)
        elif part.disposal in (CLEAR, RESTORE):
            # Before the first frame there is nothing to restore.
            self._canvas.paste(_CLEAR[: len(self._mode)], box)

    def _region(self, part: Part) -> tuple[int, int, int, int] | None:
        """Return where a part is on the canvas; what is beyond is cut off. None where nothing is left of it."""
        left, top = part.at
        right, bottom = min(self.width, left + part.size[0]), min(self.height, top + part.size[1])
        return (left, top, right, bottom) if left < right and top < bottom else None
