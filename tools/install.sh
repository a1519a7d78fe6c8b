# Sourced by ./run and ./check: installs what is missing, from Debian's or Ubuntu's own packages alone.
# install_missing PACKAGE...
install_missing() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
	done
	[ -z "$missing" ] && return 0
	command -v apt-get >/dev/null || { echo "$0: this needs Debian or Ubuntu (apt-get), or these packages:$missing" >&2; return 1; }
	echo "installing:$missing"
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	# Servers among the packages of the tests are not to run as services of this machine.
	quiet=/usr/sbin/policy-rc.d
	[ ! -e $quiet ] || quiet=
	[ -z "$quiet" ] || { printf '#!/bin/sh\nexit 101\n' | $as_root tee $quiet >/dev/null && $as_root chmod 755 $quiet; }
	installed=0
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/tmp/wardroom-apt.$$ 2>&1 ||
		{ $as_root apt-get update >/dev/null 2>&1 &&
		  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/tmp/wardroom-apt.$$ 2>&1; } ||
		installed=1
	[ -z "$quiet" ] || $as_root rm -f $quiet
	[ $installed = 0 ] ||
		{ tail -5 /tmp/wardroom-apt.$$ >&2; rm -f /tmp/wardroom-apt.$$; echo "$0: the packages could not be installed" >&2; return 1; }
	rm -f /tmp/wardroom-apt.$$
}
BUILD_PACKAGES="meson ninja-build gcc libc6-dev pkg-config libssl-dev libuv1-dev libexpat1-dev libicu-dev libsqlite3-dev libyaml-dev libjansson-dev libpsl-dev libunbound-dev libwslay-dev libvectorscan-dev libpcre2-dev libcurl4-openssl-dev libarchive-dev libqpdf-dev libmagic-dev libtlsh-dev libyara-dev zlib1g-dev g++"
TEST_PACKAGES="libcmocka-dev openssl python3 python3-slixmpp profanity poezio mcabber finch go-sendxmpp g++ libstrophe-dev libgloox-dev tmux prosody lua-unbound ejabberd iproute2 nodejs chromium clamav-daemon zstd qpdf poppler-utils python3-pil libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui"
# What ./check --full wants beside them: clients with windows.
FULL_PACKAGES="gajim gajim-omemo dino-im xvfb xdotool dbus"
