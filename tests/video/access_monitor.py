"""Videos that refer to other files or URLs, and a monitor that detects whether a reader opens them.

A server on the loopback records every connection; the kernel (inotify) reports every opened file of a folder with
videos. Without inotify, only the published video can show that a file was read.
"""

import ctypes
import ctypes.util
import os
import socketserver
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL import Image

from local.demo.filming import Film, film
from tests.video.boxes import Box, boxes, joined, rewritten

_IN_ACCESS, _IN_OPEN, _IN_ISDIR = 0x1, 0x20, 0x4000_0000
_EVENT = struct.Struct("iIII")
SECRET_COLOUR = (255, 0, 255)
SECONDS = 1.0


class _Visitor(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.visits.append(self.request.recv(200))  # type: ignore[attr-defined]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.visits: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Visitor)

    def verify_request(self, *_: object) -> bool:
        self.visits.append(b"connected")  # before any data: the connection itself is a violation
        return True


class AccessMonitor:
    """A server to which nobody may connect, and a folder in which nobody may open a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "secret.mp4"
        self._server = _Server()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._inotify: int | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        plain(self.secret, SECRET_COLOUR)
        (self.folder / "secret.ts").write_bytes(self.secret.read_bytes())
        self._thread.start()
        if sys.platform == "linux":
            libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
            self._inotify = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
            if (
                self._inotify < 0
                or libc.inotify_add_watch(self._inotify, os.fsencode(self.folder), _IN_OPEN | _IN_ACCESS) < 0
            ):
                raise OSError(ctypes.get_errno(), "inotify")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._inotify is not None:
            os.close(self._inotify)

    @property
    def address(self) -> str:
        """Return the server's URL without a trailing slash."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def watches_files(self) -> bool:
        """Return whether opened files are detected."""
        return self._inotify is not None

    def accesses(self) -> list[str]:
        """Return what was connected to or opened since the last call."""
        found = [f"the server was visited: {visit!r}" for visit in self._server.visits]
        self._server.visits.clear()
        if self._inotify is not None:
            found += [f"{name} was opened" for name in sorted(set(self._opened()))]
        return found

    def _opened(self) -> Iterator[str]:
        assert self._inotify is not None
        try:
            events = os.read(self._inotify, 65_536)
        except BlockingIOError:
            return
        at = 0
        while at < len(events):
            _, mask, _, length = _EVENT.unpack_from(events, at)
            name = events[at + _EVENT.size : at + _EVENT.size + length]
            if not mask & _IN_ISDIR:  # listing a folder is not reading a file
                yield os.fsdecode(name.rstrip(b"\0"))
            at += _EVENT.size + length


def plain(path: Path, colour: tuple[int, int, int] = (40, 90, 160)) -> None:
    """Encode a second of one colour, with a moving edge."""
    shots = []
    for number in range(10):
        picture = Image.new("RGB", (160, 96), colour)
        picture.paste((20, 20, 20), (number * 4, 0, number * 4 + 8, 96))
        shots.append((number / 10, picture))
    film(path, shots, Film(rate=10, preset="ultrafast"), seconds=SECONDS)


def inputs(monitor: AccessMonitor, scratch: Path) -> dict[str, bytes]:
    """Return all inputs: name of the object -> bytes."""
    local, remote = monitor.secret.resolve(), f"{monitor.address}/secret"
    segment = monitor.folder.resolve() / "secret.ts"
    base = scratch / "base.mp4"
    plain(base)
    film_bytes = base.read_bytes()
    hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL>'
        '<SegmentBase indexRange="0-100"/></Representation></AdaptationSet></Period></MPD>'
    )
    found = {
        "hls-local.mp4": hls.format(f"file://{segment}"),
        "hls-path.m3u8": hls.format(segment),
        "hls-remote.mp4": hls.format(f"{remote}.ts"),
        "hls-key.m3u8": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{remote}.key"\n#EXTINF:1,\n{segment}\n',
        "hls-data.mp4": hls.format("data:video/mp2t;base64,R0AREA=="),
        "hls-concat.mp4": hls.format(f"concat:{segment}|{segment}"),
        "concat-local.mp4": f"ffconcat version 1.0\nfile '{local}'\n",
        "concat-remote.mp4": f"ffconcat version 1.0\nfile {remote}.mp4\n",
        "dash-local.mpd": dash.format(f"file://{local}"),
        "dash-remote.mp4": dash.format(f"{remote}.mp4"),
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "edl.mp4": f"# mpv EDL v0\n{local}\n",
        "asx.mp4": f'<asx version="3.0"><entry><ref href="{remote}.mp4"/></entry></asx>',
        "vapoursynth.mp4": f"import os\nopen({str(local)!r}).read()\n",
    }
    encoded = {name: text.encode() for name, text in found.items()}
    playlist = encoded["hls-local.mp4"]
    encoded["playlist-behind-an-ftyp.mp4"] = Box(b"ftyp", b"isom\0\0\2\0isomiso2mp41").bytes + playlist
    encoded["playlist-behind-a-video.mp4"] = film_bytes + playlist
    encoded["playlist-in-matroska.mkv"] = b"\x1a\x45\xdf\xa3\x80" + playlist
    encoded["external-data-alis.mov"] = _pointing_elsewhere(film_bytes, _alias(local))
    url = Box(b"url ", b"\0\0\0\0" + f"file://{local}".encode() + b"\0")
    encoded["external-data-url.mp4"] = _pointing_elsewhere(film_bytes, url)
    away = Box(b"url ", b"\0\0\0\0" + f"{remote}.mp4".encode() + b"\0")
    encoded["external-data-remote.mp4"] = _pointing_elsewhere(film_bytes, away)
    for name, target in (("local", f"file://{local}"), ("remote", f"{remote}.mp4")):
        address = target.encode() + b"\0"
        reference = Box(b"rdrf", b"\0\0\0\0url " + struct.pack(">I", len(address)) + address)
        movie = Box(b"moov", Box(b"rmra", Box(b"rmda", reference.bytes).bytes).bytes)
        encoded[f"reference-movie-{name}.mov"] = Box(b"ftyp", b"qt  \0\0\2\0qt  ").bytes + movie.bytes
    return encoded


def _pointing_elsewhere(data: bytes, reference: Box) -> bytes:
    """Return the same film with a data reference that places its samples in another file."""
    dref = b"\0\0\0\0" + struct.pack(">I", 1) + reference.bytes
    # The index follows the samples, so no offset changes with its size.
    assert [box.kind for box in boxes(data)][-1] == b"moov"
    return joined(rewritten(boxes(data), [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"], dref))


def _alias(path: Path) -> Box:
    """Return a Macintosh alias record, which QuickTime wrote for movies that refer to other files."""
    name = path.name.encode()[:27]
    record = struct.pack(">4sHHH", b"\0\0\0\0", 0, 2, 0)  # user, size, version, kind: a file
    record += bytes([4]) + b"disk".ljust(27, b"\0") + struct.pack(">IHHI", 0, 0, 0, 0)
    record += bytes([len(name)]) + name.ljust(63, b"\0")
    record += struct.pack(">IIIIHHIH", 0, 0, 0, 0, 0, 0, 0, 0) + b"\0" * 10
    for kind, text in ((2, str(path)), (18, str(path)), (19, "/")):
        value = text.encode()
        record += struct.pack(">hH", kind, len(value)) + value + b"\0" * (len(value) % 2)
    record += struct.pack(">hH", -1, 0)
    return Box(b"alis", b"\0\0\0\0" + record)
