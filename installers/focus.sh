#!/bin/sh
# Makes the environment of the FOCUS validator, which the tests start: it runs on Python 3.12 alone (it needs 3.12, and
# a numpy that has no wheel for a later one), whatever Python trayd itself runs on here.
#
#   installers/focus.sh FOLDER
#
# Without a Python 3.12 it says so and makes nothing; with TRAYD_REQUIRE_FOCUS=1 it fails then.
set -eu

folder=$1
requirements=$(dirname "$0")/../tests/focus-requirements.txt

# pyenv has commands for versions that are not switched on, which only say so: one that starts is looked for.
python=""
for each in python3.12 "${HOME:-/nonexistent}"/.pyenv/versions/3.12*/bin/python; do
    if "$each" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
        python=$each
        break
    fi
done
if [ -z "$python" ]; then
    echo "There is no Python 3.12 here: what the FOCUS validator says of exports is not tested." >&2
    [ "${TRAYD_REQUIRE_FOCUS:-}" != 1 ]
    exit
fi

rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
touch "$folder/installed"
