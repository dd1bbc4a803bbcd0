"""What `make serve` prints to try the API: each line works by itself, as pasted, on `photo.jpg`.

Those that send it as a request's body do so under an Idempotency-Key of its own bytes, so that the picture is stored
once however often they are pasted, and again where it is another picture. One that is too large for that goes by form.
"""

from shlex import quote

_ONCE = '-H "Idempotency-Key: photo-$(cksum <photo.jpg | tr -cd 0-9)"'
# Python with double quotes only, so that a shell's single quotes hold it. It reads an answer of the API from its
# input, and its arguments are the header with the key and the API's address.
_CURL = (
    "import json, os, subprocess, sys; answer = json.load(sys.stdin); header, url = sys.argv[1:]; "
    'curl = lambda *more: subprocess.run(["curl", "-sS", "--fail-with-body", *more], '
    "check=True, stdout=subprocess.PIPE).stdout; "
)
_POST = (
    'post = lambda form: curl(*[part for pair in form["fields"].items() '
    'for part in ("--form-string", "=".join(pair))], "-F", "file=@photo.jpg", form["url"]); '
)
_FORM = _CURL + _POST + 'post(answer); print(answer["status_url"])'
_STATUS_URL = (
    _CURL
    + _POST
    + 'wish = {"content_type": "image/jpeg", "bytes": os.path.getsize("photo.jpg")}; '
    + 'too_large = answer.get("status") == 413; '
    + 'answer = json.loads(curl("-H", header, "-d", json.dumps(wish), url + "/v1/uploads")) if too_large else answer; '
    + "too_large and post(answer); "
    + 'print(answer.get("status_url") or sys.exit(answer.get("detail")))'
)
_FIRST_LINK = (
    "import json, subprocess, sys, time; sys.argv[2] or sys.exit(1); "
    'ask = lambda: json.loads(subprocess.check_output(["curl", "-sS", "-H", sys.argv[1], sys.argv[2]])); '
    'ended = lambda state: state.get("status") not in ("RECEIVED", "PROCESSING") or time.sleep(0.5); '
    "state = next(filter(ended, iter(ask, None))); "
    'links = state.get("renditions") or sys.exit(json.dumps(state)); print(links[0]["url"])'
)


def curl_lines(url: str, key: str) -> list[tuple[str, str]]:
    """Return what each line does, and the line: upload, status, a larger upload, a rendition. `url` has the stage."""
    header, address = quote(f"x-api-key: {key}"), quote(url)
    upload = f"curl -sS -H {header} -H 'Content-Type: image/jpeg' {_ONCE} --data-binary @photo.jpg"
    upload = f"{upload} {quote(f'{url}/v1/images/upload')}"
    status = f'"$({upload} | python3 -c {quote(_STATUS_URL)} {header} {address})"'
    asked = '"{\\"content_type\\": \\"image/jpeg\\", \\"bytes\\": $(wc -c <photo.jpg)}"'
    return [
        ("upload, of up to 4,694,016 bytes", upload),
        ("status", f"curl -sS -H {header} {status}"),
        (
            "a larger file, or a video: by form",
            f"curl -sS -H {header} -H 'Content-Type: application/json' -d {asked} {quote(f'{url}/v1/uploads')}"
            f" | python3 -c {quote(_FORM)} {header} {address}",
        ),
        (
            "a rendition",
            f'curl -sS -f -o rendition "$(python3 -c {quote(_FIRST_LINK)} {header} {status})"',
        ),
    ]
