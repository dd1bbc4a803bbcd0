"""The project's version, which is in one place: the package that runs on AWS, whose records and renditions say it."""

import re
from typing import Final

from components.packaging.errors import PackagingError
from components.packaging.store import PROJECT

PLACE: Final = PROJECT / "lambda" / "media_pipeline" / "__init__.py"
_LINE: Final = re.compile(r'^__version__ = "(\d+\.\d+\.\d+)"$', re.MULTILINE)


def read() -> str:
    """Return the version, such as `0.2.0`. Raises PackagingError."""
    found = _LINE.search(PLACE.read_text("utf-8"))
    if not found:
        raise PackagingError(f'{PLACE} has no line `__version__ = "1.2.3"`, with three numbers.')
    return found[1]
