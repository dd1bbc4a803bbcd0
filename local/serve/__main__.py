"""`python -m local.serve`: a stack of this project, deployed into the embedded AWS and kept up until Ctrl-C."""

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from embedded_aws.api_gateway.http_front import PortInUseError
from embedded_aws.deployment.deploy import DeployError
from embedded_aws.profiles import PROFILES, USUAL
from embedded_aws.public_addresses import local_address
from embedded_aws.serving.served_world import ServedWorld
from embedded_aws.world import World
from local.serve.curl_lines import curl_lines
from local.stacks import deploy, stack_region
from operations.reviews.desk import Desk
from operations.reviews.server import Console
from operations.stack import StackOutputs

PROJECT = Path(__file__).resolve().parents[2]
FAILED, INTERRUPTED = 1, 130
_LAST_PORT = 65_535
_LOOK_SECONDS = 0.5
# Read by components/packaging: the functions run on this machine, not on AWS's.
PACKAGES_FOR_HERE = {"MEDIA_PIPELINE_PACKAGES_FOR": "host"}


def main(arguments: list[str] | None = None) -> int:
    """Serve; returns 0 after Ctrl-C or SIGTERM, 1 where the stack cannot be deployed."""
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--out", type=Path, default=Path("build/serve"))
    parser.add_argument(
        "--port", type=_port, default=0, help="of the API; 0, the default, is any that is free"
    )
    parser.add_argument("--profile", default=USUAL.name, choices=PROFILES, help="how the account behaves")
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="a key of the stack's configuration, on top of its file: delivery.cdn=true; may be repeated",
    )
    given = parser.parse_args(arguments)
    asked = Event()
    # Only a note: an exception thrown into whatever runs just then would leave that half done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: asked.set())
    try:
        return serve(
            given.stack,
            given.out,
            asked,
            port=given.port,
            profile=given.profile,
            settings=dict(given.settings),
        )
    except DeployError as error:
        print(f"The stack {given.stack} was not deployed:\n{error}", file=sys.stderr)
        return FAILED
    except PortInUseError as error:
        print(f"The stack {given.stack} was not deployed: {error}.", file=sys.stderr)
        return FAILED


def serve(
    stack: str,
    out: Path,
    asked: Event,
    *,
    port: int = 0,
    profile: str = USUAL.name,
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Deploy the stack, write `out/env` and keep everything up until `asked` is set.

    `settings` are keys of the configuration on top of the stack's file; a dotted key reaches into an object. Raises
    DeployError with the program's own message, PortInUseError before anything is deployed.
    """
    os.environ.update(PACKAGES_FOR_HERE)
    out = out.resolve()  # what is printed is pasted in other folders
    file = out / "env"
    out.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)  # whoever waits for it must not find an earlier one's
    outputs = out / "outputs.json"
    for earlier in [*(out / "logs").glob("*.log"), *(out / "outbox").glob("*.eml")]:
        earlier.unlink()
    print(f"Deploying stack {stack} ...", flush=True)
    region = stack_region(PROJECT, stack)
    with ServedWorld(region, profile=profile, logs=out / "logs", outbox=out / "outbox", port=port) as served:
        try:
            if asked.is_set():
                return INTERRUPTED
            deployment = deploy(PROJECT, stack, served.world, config_overrides=settings)
            credentials = served.world.environment(served.world.admin)
            # Where what AWS would serve is served here: a distribution's address is one of AWS's.
            here = {name: _here(value, served.world) for name, value in deployment.outputs.items()}
            outputs.write_text(json.dumps(here, indent=2), encoding="utf-8")
            _write(file, {**credentials, **_named(here)})
            desk = Desk.open(stack, StackOutputs.parse(here, "the stack"))
            with Console(desk.api(), person=desk.person) as console:
                in_aws = deployment.outputs.get("cdn_url")
                print(_ready(file, outputs, stack, here, console.link, in_aws), flush=True)
                while not asked.wait(_LOOK_SECONDS):
                    """Where the system gives a signal to another thread, Python notes it and does not wake this one."""
            removed = len(deployment.resources)
        finally:
            file.unlink(missing_ok=True)
            outputs.unlink(missing_ok=True)
    print(f"The embedded AWS with the stack's {removed} resources is removed.", flush=True)
    return 0


def _here(output: Any, world: World) -> Any:
    return local_address(output, world) if isinstance(output, str) else output


def _named(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return stack outputs as environment variables: `uploads_bucket` as UPLOADS_BUCKET."""
    return {name.upper(): str(value) for name, value in outputs.items()}


def _write(file: Path, variables: Mapping[str, str]) -> None:
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    whole = file.with_suffix(".part")
    whole.write_text(lines, encoding="utf-8")
    whole.replace(file)  # at once: it is never seen half written


def _ready(
    file: Path, outputs_file: Path, stack: str, outputs: Mapping[str, Any], console: str, cdn: str | None
) -> str:
    def command(name: str, *more: str) -> str:
        words = [sys.executable, "-m", "operations", name, "--stack", stack, "--outputs", str(outputs_file)]
        return f". {shlex.quote(str(file))} && {shlex.join([*words, *more])}"

    return f"""\
Stack {stack} is up, in an AWS embedded in this machine. Its Rekognition is a stand-in that reads moderation cards.
{_api(outputs)}{_edge(outputs, cdn)}In another terminal, with the AWS command line:
  . {shlex.quote(str(file))}
  aws s3 cp photo.jpg "s3://$UPLOADS_BUCKET/photo.jpg"
  aws s3 ls --recursive "s3://$RENDITIONS_BUCKET/"

What waits for a person is decided in the review console. Open it in a browser, by a link that works once:
  {console}
In this folder:

# draw a picture that will wait there, once you upload it
make card LABELS="Violence:60" FILE=photo.jpg

# open the console again
{command("review")}

# take a picture down, with its copies
{command("takedown", "--key", "photo.jpg", "--reason", "to try it")}

# see what another policy would change
{command("what-if", "--set", "moderation.block.Violence=60")}

What the functions print is in {file.parent / "logs"}, each e-mail in {file.parent / "outbox"}.
Ctrl-C removes all of it."""


def _api(outputs: Mapping[str, Any]) -> str:
    """Return how to call the API, where the stack has one."""
    if "api_url" not in outputs:
        return ""
    url, key = outputs["api_url"], outputs["api_key"]
    lines = "".join(f"\n# {what}\n{line}\n" for what, line in curl_lines(url, key))
    return f"API_URL  {url}\nAPI_KEY  {key}\nIn another terminal, in any folder with a photo.jpg:\n{lines}\n"


def _edge(outputs: Mapping[str, Any], in_aws: str | None) -> str:
    """Return where renditions are delivered, where the stack has a distribution; `in_aws` is its own address."""
    if in_aws is None:
        return ""
    return (
        f"CDN_URL  {outputs['cdn_url']}\n"
        f"An edge on this machine delivers there in place of {in_aws}; the API answers with addresses at it.\n\n"
    )


def _setting(text: str) -> tuple[str, Any]:
    """Return key and value; the value is JSON, or else text. Raises ValueError where there is no `=`."""
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(text)
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(text)
    return port


if __name__ == "__main__":
    sys.exit(main())
