"""An object's key may hold line breaks.

AWS: a key is "a sequence of Unicode characters". (S3 User Guide, "Naming Amazon S3 objects".)
moto: its server's `.+` ends at a line break, so that such a key has no address.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Let `.` match line breaks in all of moto's routes."""
    from moto.moto_server.utilities import RegexConverter

    def init(self: Any, url_map: Any, *items: Any) -> None:
        original(self, url_map, *(f"(?s:{item})" for item in items))

    original = replace(RegexConverter, "__init__", init)
