"""A bound on the memory of what cannot be walked through in advance: a demuxer's tables of a file's header."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIZES = Path("/proc/self/statm")


@contextmanager
def bounded(most: int) -> Iterator[None]:
    """Let the address space of this process grow by no more than `most` bytes: what asks for more gets a MemoryError.

    Only Linux, and so Lambda, says how large it is now; elsewhere there is no bound.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    if not _SIZES.exists():
        yield
        return
    limit = int(_SIZES.read_text().split()[0]) * resource.getpagesize() + most
    resource.setrlimit(
        resource.RLIMIT_AS,
        (min([limit, *(bound for bound in before if bound != resource.RLIM_INFINITY)]), before[1]),
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
