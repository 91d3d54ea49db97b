#!/bin/sh
# Install what the tests need on Debian or Ubuntu, as root: Postfix, procmail, maildrop, Dovecot, strace, Python's venv, groff
# and systemd (which check manual pages and units), and Exim unpacked beside them (as packages the two mail servers
# conflict). No server is started and no configuration of one is written.
set -eu
exim=${MAILGATE_EXIM_ROOT:-/var/cache/mailgate-exim}
export DEBIAN_FRONTEND=noninteractive

have() {
    [ -x /usr/lib/postfix/sbin/master ] && [ -d "$exim/etc/exim4/conf.d" ] && [ -x /usr/lib/dovecot/imap ] &&
        [ -x /usr/lib/dovecot/pop3 ] && /usr/bin/python3 -c 'import ensurepip' || return
    for program in openssl groff systemd-analyze procmail maildrop strace; do command -v "$program" >/dev/null || return; done
}
if have 2>/dev/null; then exit 0; fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then # every package asks it before it starts a service
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

apt-get update
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
# Exim's libraries conflict with nothing; their names change between releases, so the package is asked.
libraries=$(apt-cache depends exim4-daemon-light | sed -n 's/.*Depends: \(lib[^ ]*\)$/\1/p')
# shellcheck disable=SC2086 # one word each
apt-get install -y --no-install-recommends postfix procmail maildrop dovecot-imapd dovecot-pop3d openssl \
    python3-venv util-linux strace \
    groff-base systemd $libraries

work=$(mktemp -d)
chmod 755 "$work" # apt downloads as a user of its own
(cd "$work" && apt-get download exim4-base exim4-config exim4-daemon-light)
mkdir -p "$exim"
for package in "$work"/*.deb; do dpkg -x "$package" "$exim"; done
rm -rf "$work"
have
