#!/bin/sh
# Set up the virtual environment: setup.sh PYTHON VENV. make runs it when .venv/.ready is missing or older than a lock file.
# The output of a step is shown only if it fails, so that Ctrl-C prints one line instead of each tool's traceback.
set -u
unset PYTHONWARNINGS # turning warnings into errors is meant for this project's code, not for pip
python=$1 venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "You need Python 3.11 or newer; $python is $("$python" --version 2>&1). Choose another: make PYTHON=python3.13" >&2
    exit 1
}

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'echo "Interrupted while setting up $venv: nothing else was created, so there was nothing to remove." >&2; exit 130' INT TERM HUP

step() {
    what=$1
    shift
    "$@" >"$log" 2>&1 && return
    cat "$log" >&2
    echo "The set-up stopped: $what. Fix the error above and run make again." >&2
    exit 1
}

echo "Setting up $venv (once; 2 to 7 minutes, depending on the network) ..."
# A set-up that was interrupted has no .ready and starts again, because parts of it may be incomplete.
[ -e "$venv/.ready" ] || step "the virtual environment could not be created (on Debian: apt-get install python3-venv)" \
    "$python" -m venv --clear "$venv"
step "the requirements could not be installed" \
    "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes -r requirements-dev.txt
step "the functions' wheels for this machine could not be downloaded" "$venv/bin/python" -m components.packaging fetch
# After this no network is needed.
touch "$venv/.ready"
