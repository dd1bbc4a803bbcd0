"""Compile modules to bytecode: a zip of sources on standard input, a zip of `.pyc` files on standard output.

A program of its own, run by the Python of the target, since bytecode is of one minor version: it imports the
standard library alone. `python compile_modules.py <folder>`, where `<folder>` is where the zip will be unpacked.
"""

import io
import marshal
import sys
import warnings
import zipfile
from importlib.util import MAGIC_NUMBER, source_hash

_UNCHECKED_HASH = 0b01  # PEP 552: Python loads the file without a look at its source


def compiled(data: bytes, filename: str) -> bytes | None:
    """Return the content of a module's `.pyc` file, or None for a source that this Python cannot compile.

    `data` is the source, `filename` its path in tracebacks.
    """
    try:
        code = compile(data, filename, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):
        return None  # a template, or written for another Python: its import fails with or without bytecode
    header = MAGIC_NUMBER + _UNCHECKED_HASH.to_bytes(4, "little") + source_hash(data)
    return header + marshal.dumps(code)


def main(folder: str) -> None:
    """Compile every member of the zip; a `.pyc` has the name of its source."""
    warnings.simplefilter("ignore")  # those of other projects' modules
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())) as sources,
        zipfile.ZipFile(result, "w") as modules,
    ):
        for name in sources.namelist():
            content = compiled(sources.read(name), f"{folder}/{name}")
            if content is not None:
                modules.writestr(zipfile.ZipInfo(name), content)
    sys.stdout.buffer.write(result.getvalue())


if __name__ == "__main__":
    main(sys.argv[1])
