"""A value that will be known only once something has been created: what a preview has in its place."""

from typing import Final


class Unknown:
    """Equal to nothing but itself; there is one, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "<known after up>"


UNKNOWN: Final = Unknown()
