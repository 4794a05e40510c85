#!/bin/sh
# Makes ready what `make demo` and `make test` need from the system: Python's venv module, and for the tests a
# display server, a tray host, a notification service and a browser. As root on a Debian-like system it installs
# what is missing; otherwise it names the packages and stops.
#
#   installers/prepare.sh venv     what the virtual environment needs
#   installers/prepare.sh tests    that, and what the tests need
set -eu

here=$(dirname "$0")
python=${PYTHON:-python3}

command -v "$python" >/dev/null 2>&1 || {
    echo "trayd needs Python 3.11 or newer, and there is no $python on the PATH." >&2
    exit 1
}
"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"trayd needs Python 3.11 or newer; this is {sys.version.split()[0]}. Name another with PYTHON=…")
PY

missing=""
need() { missing="$missing $1"; }

"$python" -c 'import ensurepip, venv' 2>/dev/null || need "python3-venv"
if [ "${1:-venv}" = tests ]; then
    while read -r package; do
        case $package in '' | '#'*) continue ;; esac
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || need "$package"
    done <"$here/../tests/apt-packages.txt"
fi
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing from the system's packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    # shellcheck disable=SC2086  # one word a package
    apt-get install -y -q --no-install-recommends $missing
else
    echo "These system packages are missing; install them and start again:" >&2
    echo "    sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
