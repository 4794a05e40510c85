#!/bin/sh
# Installs trayd for the user who runs it, or brings an installed one up to date. Needs no root.
#
#   installers/linux/install.sh [SOURCE]
#
# SOURCE is what pip installs: a wheel, or a checkout; without it, the checkout that this script is in.
# PYTHON names the Python to use (3.11 or newer). Takes back: installers/linux/uninstall.sh.
set -eu

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

case ${1:-} in
-h | --help)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0"
    exit 0
    ;;
esac

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
checkout=$(CDPATH='' cd -- "$here/../.." && pwd)
source=${1:-$checkout}
python=${PYTHON:-python3}
data=${XDG_DATA_HOME:-$HOME/.local/share}
venv=$data/trayd/venv
bin=$HOME/.local/bin
link=$bin/trayd
entry=$data/applications/trayd.desktop

[ -e "$source" ] || fail "$source is not there; name a wheel or a checkout"
command -v "$python" >/dev/null 2>&1 || fail "there is no $python; install Python 3.11 or newer, or name one with PYTHON=…"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; trayd needs Python 3.11 or newer, name one with PYTHON=…"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments; install its venv package (on Debian: python3-venv)"
if [ -e "$link" ] || [ -L "$link" ]; then
    [ "$(readlink -- "$link" || true)" = "$venv/bin/trayd" ] ||
        fail "$link is another program's; move it away and start again"
fi
# A launcher reads these characters as something else, whatever one writes around them.
case $link in *[\"\`\$\\%]*) fail "a desktop entry cannot name $link because of the characters in it" ;; esac

echo "Installing $source into $venv"
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    "$python" -m venv --clear "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$source"
[ -x "$venv/bin/trayd" ] || fail "$source brought no trayd command; is it trayd?"

echo "Linking $link"
mkdir -p "$bin"
ln -sf -- "$venv/bin/trayd" "$link"

echo "Writing $entry and the icons"
mkdir -p "$data/applications"
# Launchers do not look into ~/.local/bin on every system, so the entry names the whole path.
quoted=$(printf '%s' "$link" | sed 's/[&|]/\\&/g')
sed -e "s|^Exec=trayd |Exec=\"$quoted\" |" -e "s|^TryExec=trayd\$|TryExec=$quoted|" \
    "$here/trayd.desktop" >"$entry"
(cd "$checkout/assets/icons/hicolor" && find . -name 'trayd.*') | while IFS= read -r icon; do
    mkdir -p "$data/icons/hicolor/$(dirname -- "$icon")"
    cp -- "$checkout/assets/icons/hicolor/$icon" "$data/icons/hicolor/$icon"
done
if command -v update-desktop-database >/dev/null 2>&1; then
    update-desktop-database -q "$data/applications" || true
fi

echo "Installed. Start trayd from the menu of your desktop, or with: trayd run"
case ":$PATH:" in
*":$bin:"*) ;;
*) echo "$bin is not on your PATH yet: log in again, or use $link" ;;
esac
