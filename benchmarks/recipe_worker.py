"""A child process of `benchmarks.compare`: it runs the recipes of the checkout that is its working directory.

A line of standard input is JSON `{"recipe", "path", "sizes", "quality"}`; its answer is a line of JSON
`{"seconds", "bytes"}`: the processor time, and how many bytes were made.
It imports nothing of its own checkout, so that it can run in older ones too.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Answer every line until standard input ends."""
    folder = Path.cwd()
    sys.path[:1] = [str(folder), str(folder / "lambda")]  # in place of the folder of this file
    from benchmarks.recipes import RECIPES

    for line in sys.stdin:
        job = json.loads(line)
        data = Path(job["path"]).read_bytes()
        began = time.process_time()
        made = RECIPES[job["recipe"]](data, job["sizes"], job["quality"])
        seconds = time.process_time() - began
        answer = {"seconds": seconds, "bytes": sum(map(len, made.values()))}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
