#!/bin/sh
# Real servers that tests start on loopback, from Debian: Pebble and Knot of this machine's own release, and a Pebble
# that knows renewal information and profiles, unpacked beside them from a newer release (it needs libc alone); lego, for
# comparison. Nothing fails here: what is missing is said, and the tests that need it skip. `install.sh peers` adds what
# the bench is compared with further: certbot from PyPI in a venv of its own.
set -u
cd "$(dirname "$0")/../.."
NEWER=.servers/pebble
SUITE=forky

have() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }

packages() {
    missing=""
    for pair in "$@"; do
        have "${pair%%:*}" || missing="$missing ${pair##*:}"
    done
    [ -z "$missing" ] && return 0
    if [ "$(id -u)" = 0 ] && have apt-get && apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
        return 0
    fi
    echo "not installed:$missing (what needs them will say so and skip)"
}

newer_pebble() {
    [ -x "$NEWER/usr/bin/pebble" ] && return 0
    have apt-get && have dpkg-deb || { echo "no newer Pebble: this is no Debian"; return 0; }
    from=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk '$2 == "Debian" && $3 == "main" { print $1; exit }')
    work=$(mktemp -d) && mkdir -p "$work/lists/partial" "$work/archives/partial" "$NEWER"
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$key] ${from:-none} $SUITE main" >"$work/sources.list"
    here=$PWD
    (
        cd "$work" || exit 1
        set -- -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
            -o Dir::State::lists="$work/lists" -o Dir::Cache="$work" -o Acquire::Languages=none -o APT::Sandbox::User=root
        apt-get "$@" update && apt-get "$@" download "pebble/$SUITE" && dpkg-deb -x pebble_*.deb "$here/$NEWER"
        ls pebble_*.deb | cut -d_ -f2 >"$here/$NEWER/version"
    ) >/dev/null 2>&1 || { echo "no newer Pebble could be had (its tests will say so and skip)"; rm -rf "$NEWER"; }
    rm -rf "$work"
}

if [ "${1:-}" = peers ]; then
    if [ ! -x .venv-certbot/bin/certbot ]; then
        python3 -m venv .venv-certbot && .venv/bin/uv pip install -q --python .venv-certbot/bin/python \
            certbot certbot-dns-rfc2136 || { echo "certbot could not be installed"; rm -rf .venv-certbot; }
    fi
else
    packages pebble:pebble knotd:knot lego:lego chromium:chromium
    newer_pebble
fi
