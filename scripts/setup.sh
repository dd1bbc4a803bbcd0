#!/bin/sh
# Sets .venv up: usage setup.sh PYTHON VENV. Called by make where .venv/.ready is missing or older than a lock.
# What the steps print is shown only if one fails: a Ctrl-C is then one line, and not each tool's own traceback.
set -u
unset PYTHONWARNINGS # whoever makes warnings errors means their own code, not pip
python=$1 venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "Python 3.11 or newer is needed; $python is $("$python" --version 2>&1). Name another: make PYTHON=python3.13" >&2
    exit 1
}

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'echo "Interrupted while setting up $venv: nothing else was made, so there was nothing to remove." >&2; exit 130' INT TERM HUP

step() {
    what=$1
    shift
    "$@" >"$log" 2>&1 && return
    cat "$log" >&2
    echo "The set-up stopped: $what. Mend what is said above and call make again." >&2
    exit 1
}

echo "Setting up $venv (once, about a minute) ..."
# A set-up that was cut off has no .ready: it is begun anew, since nobody knows what is half there.
[ -e "$venv/.ready" ] || step "no virtual environment could be made (on Debian: apt-get install python3-venv)" \
    "$python" -m venv --clear "$venv"
step "the requirements could not be installed" \
    "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes -r requirements-dev.txt
# From here on no network is needed.
step "the functions' wheels for this machine could not be fetched" "$venv/bin/python" -m components.packaging fetch
touch "$venv/.ready"
