"""What `make serve` prints for trying the API out: each line works by itself, as pasted, on `photo.jpg`.

Each uploads under an Idempotency-Key of its own making, so that the picture is stored once however often they are
pasted, and again where it is another picture.
"""

from shlex import quote

_ONCE = '-H "Idempotency-Key: photo-$(cksum <photo.jpg | tr -cd 0-9)"'
# With double quotes only, so that a shell's single quotes hold them.
_STATUS_URL = 'import json, sys; print(json.load(sys.stdin)["status_url"])'
_FORM = (
    "import json, subprocess, sys; form = json.load(sys.stdin); "
    'fields = [part for pair in form["fields"].items() for part in ("--form-string", "=".join(pair))]; '
    'code = subprocess.call(["curl", "-sS", "-f", *fields, "-F", "file=@photo.jpg", form["url"]]); '
    'print("refused" if code else form["status_url"]); sys.exit(code)'
)
_FIRST_LINK = (
    "import json, subprocess, sys, time; "
    'ask = lambda: json.loads(subprocess.check_output(["curl", "-sS", "-H", sys.argv[1], sys.argv[2]])); '
    'ended = lambda state: state.get("status") not in ("RECEIVED", "PROCESSING") or time.sleep(0.5); '
    "state = next(filter(ended, iter(ask, None))); "
    'links = state.get("renditions") or sys.exit(json.dumps(state)); print(links[0]["url"])'
)


def curl_lines(url: str, key: str) -> list[tuple[str, str]]:
    """What each line does, and the line: upload, status, a larger upload, a rendition. `url` is with the stage."""
    header = quote(f"x-api-key: {key}")
    upload = f"curl -sS -H {header} -H 'Content-Type: image/jpeg' {_ONCE} --data-binary @photo.jpg"
    upload = f"{upload} {quote(f'{url}/v1/images/upload')}"
    status = f'"$({upload} | python3 -c {quote(_STATUS_URL)})"'
    asked = '"{\\"content_type\\": \\"image/jpeg\\", \\"bytes\\": $(wc -c <photo.jpg)}"'
    return [
        ("upload", upload),
        ("status", f"curl -sS -H {header} {status}"),
        (
            "a larger file, or a video: by form",
            f"curl -sS -H {header} -H 'Content-Type: application/json' -d {asked} {quote(f'{url}/v1/uploads')}"
            f" | python3 -c {quote(_FORM)}",
        ),
        (
            "a rendition",
            f'curl -sS -f -o rendition "$(python3 -c {quote(_FIRST_LINK)} {header} {status})"',
        ),
    ]
