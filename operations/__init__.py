"""The operator's commands: `python -m operations ...`. They find a stack through its outputs."""

import sys
from pathlib import Path

_CODE = str(Path(__file__).parent.parent / "lambda")
if _CODE not in sys.path:  # the functions' code is deployed as it is and installed nowhere
    sys.path.append(_CODE)
