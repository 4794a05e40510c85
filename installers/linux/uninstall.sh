#!/bin/sh
# Takes back what install.sh has done for this user: program, command, desktop entry, icons.
# History, settings and keys stay; where they are is said at the end.
set -eu

data=${XDG_DATA_HOME:-$HOME/.local/share}
venv=$data/trayd/venv
link=$HOME/.local/bin/trayd

kept=$("$venv/bin/trayd" config path 2>/dev/null || true)

if [ "$(readlink -- "$link" 2>/dev/null || true)" = "$venv/bin/trayd" ]; then
    echo "Removing $link"
    rm -f -- "$link"
fi
echo "Removing $data/applications/trayd.desktop and the icons"
rm -f -- "$data/applications/trayd.desktop"
[ ! -d "$data/icons/hicolor" ] || find "$data/icons/hicolor" -path '*/apps/trayd.*' -exec rm -f -- {} +
echo "Removing $venv"
rm -rf -- "$venv"
rmdir -- "$data/trayd" 2>/dev/null || true
if command -v update-desktop-database >/dev/null 2>&1; then
    update-desktop-database -q "$data/applications" || true
fi

echo "Uninstalled. Your history stays in $data/trayd, your settings in ${kept:-${XDG_CONFIG_HOME:-$HOME/.config}/trayd/settings.toml}."
