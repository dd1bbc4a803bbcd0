"""Small things that several tests deploy."""

import io
import zipfile

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def tiny_zip(*, filler: int = 0) -> bytes:
    """Return a function's code, beside `filler` bytes of zeros, which compress to next to nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            zipfile.ZipInfo("m.py", (1980, 1, 1, 0, 0, 0)), "def handler(event, context): pass\n"
        )
        if filler:
            entry = zipfile.ZipInfo("zeros", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as zeros:
                block = bytes(1_000_000)
                for _ in range(filler // len(block) + 1):
                    zeros.write(block)
    return buffer.getvalue()
