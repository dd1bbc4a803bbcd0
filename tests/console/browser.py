"""A real browser for the tests of the console: Chromium without a window, driven over a pair of pipes.

The protocol is Chrome's DevTools protocol with `--remote-debugging-pipe`: JSON messages that end with a zero byte, so
that no library and no port is needed.
"""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
SECONDS = 20.0  # for anything that the page should do by itself
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    "--host-resolver-rules=MAP rebound.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_KEYS = {  # key -> code, virtual key code, text
    " ": ("Space", 32, " "),
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "Tab": ("Tab", 9, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
}


_CONTROL = 2  # the protocol's bit for the key


def _without_modifier(key: str) -> tuple[int, str]:
    return (_CONTROL, key.removeprefix("Ctrl+")) if key.startswith("Ctrl+") else (0, key)


def installed() -> str | None:
    """Return the path of an installed browser, if any; the variable CHROMIUM names another one."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class NavigatedError(AssertionError):
    """Another page was loaded while an expression waited for its promise."""


class Page:
    """One tab."""

    def __init__(self, browser: "Browser", target: str, session: str) -> None:
        self._browser = browser
        self._session = session
        self.target = target
        self.call("Page.enable")
        self.call("Runtime.enable")
        self.call("Network.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)  # as if it were the tab in front

    def call(self, method: str, **parameters: Any) -> Any:
        """Send one command of the protocol; return its result."""
        return self._browser.call(method, parameters, self._session)

    def open(self, url: str) -> None:
        """Load an address; a page that only differs in its fragment is not loaded again."""
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression, once its promise is fulfilled."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"].get("exception", answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = SECONDS) -> Any:
        """Wait until an expression is true; return its value."""
        deadline = time.monotonic() + seconds
        while not (value := self._try(script)):
            if time.monotonic() > deadline:
                raise AssertionError(f"never became true: {script}\n{self.run('document.body?.innerText')}")
            time.sleep(0.03)
        return value

    def _try(self, script: str) -> Any:
        """Return the value of an expression; None where it cannot be computed, or another page is loaded meanwhile."""
        try:
            return self.run(f"Promise.resolve().then(() => ({script})).catch(() => null)")
        except NavigatedError:
            return None

    def text(self, selector: str) -> str:
        """Return the text of the first element of a selector, as it is seen; empty where it is hidden."""
        return str(self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def down(self, key: str) -> None:
        """Press a key down, `Ctrl+` and a key as well."""
        self._send_key("keyDown", key).result(SECONDS * 2)

    def up(self, key: str) -> None:
        """Let a key go."""
        self._send_key("keyUp", key).result(SECONDS * 2)

    def _send_key(self, kind: str, key: str) -> Future[Any]:
        modifiers, key = _without_modifier(key)
        code, number, text = _KEYS.get(key, (f"Key{key.upper()}", ord(key.upper()[0]), key))
        parameters: dict[str, Any] = {"type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number}
        if kind == "keyDown":
            parameters |= {"text": "" if modifiers else text, "modifiers": modifiers}
        return self._browser.send("Input.dispatchKeyEvent", parameters, self._session)

    def press(self, *keys: str) -> None:
        """Press keys one after the other.

        Each is let go without a wait for the page to handle it: on a busy machine it would count as held.
        """
        for key in keys:
            sent = [self._send_key("keyDown", key), self._send_key("keyUp", key)]
            for each in sent:
                each.result(SECONDS * 2)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def size(self, width: int, height: int, scale: float = 1.0) -> None:
        """Give the tab a size in CSS pixels, drawn at `scale`."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Prefer `dark` or `light`, as the system's setting would."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, file: Path) -> None:
        """Write a picture of the tab."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


class Browser:
    """Context manager around one headless browser with a profile of its own in `folder`."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._number = 0
        self._lock = Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self.events: list[dict[str, Any]] = []
        """What the browser told of by itself, in order."""

    def __enter__(self) -> Self:
        from_us, self._write = os.pipe()
        self._read, to_us = os.pipe()
        command = [self._program, *_OPTIONS, f"--user-data-dir={self._folder}", "about:blank"]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=_as_three_and_four(from_us, to_us),
        )
        os.close(from_us)
        os.close(to_us)
        self._reader = Thread(target=self._read_all, name="browser", daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._write)  # it ends with its pipe
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)

    def page(self, url: str = "about:blank") -> Page:
        """Open a new tab."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        page = self.attach(target)
        page.open(url)
        return page

    def attach(self, target: str) -> Page:
        """Return a tab that the browser opened."""
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        return Page(self, target, session)

    def targets(self) -> set[str]:
        """Return the ids of all tabs."""
        found = self.call("Target.getTargets", {})["targetInfos"]
        return {each["targetId"] for each in found if each["type"] == "page"}

    def call(self, method: str, parameters: dict[str, Any], session: str | None = None) -> Any:
        """Send one command and wait for its result."""
        return self.send(method, parameters, session).result(SECONDS * 2)

    def send(self, method: str, parameters: dict[str, Any], session: str | None = None) -> Future[Any]:
        """Send one command; its result comes later."""
        future: Future[Any] = Future()
        with self._lock:
            self._number += 1
            number = self._number
            self._waiting[number] = future
            message = {"id": number, "method": method, "params": parameters}
            if session:
                message["sessionId"] = session
            data = json.dumps(message).encode() + b"\0"
            while data:
                data = data[os.write(self._write, data) :]
        return future

    def _read_all(self) -> None:
        rest = b""
        while part := os.read(self._read, 1 << 16):
            *whole, rest = (rest + part).split(b"\0")
            for each in whole:
                self._take(json.loads(each))
        os.close(self._read)
        for future in self._waiting.values():
            future.set_exception(AssertionError("the browser ended"))

    def _take(self, message: dict[str, Any]) -> None:
        future = self._waiting.pop(message.get("id", 0), None)
        if future is None:
            self.events.append(message)
        elif "error" in message:
            is_gone = message["error"].get("message") == "Inspected target navigated or closed"
            future.set_exception((NavigatedError if is_gone else AssertionError)(message["error"]))
        else:
            future.set_result(message["result"])


def _as_three_and_four(read: int, write: int) -> Callable[[], None]:
    """Return what gives the browser its two pipes, under the numbers at which it looks for them."""

    def prepare() -> None:
        high_read, high_write = os.dup(read), os.dup(write)
        # Those may be 3 or 4 themselves: first out of the way.
        while high_read < 5:
            high_read = os.dup(high_read)
        while high_write < 5:
            high_write = os.dup(high_write)
        os.dup2(high_read, 3)
        os.dup2(high_write, 4)

    return prepare
