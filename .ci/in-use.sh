#!/bin/bash
# Run a command on a machine that is in use: mailgate and Postfix are configured here for other mail, another mailgate is
# on the PATH, and the environment is a person's. The tests must not notice. Needs root; only the command sees any of it.
set -euo pipefail
if [ "${1-}" != --inside ]; then exec unshare --mount --propagation private -- bash "$0" --inside "$@"; fi
shift

run=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$run"
hosts=$(cat /etc/hosts) # containers bind-mount it over /etc, where an overlay does not see it
overlay() { # FOLDER
    local name=${1//\//_}
    mkdir -p "$run/$name/upper" "$run/$name/work"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$run/$name/upper,workdir=$run/$name/work" "$1"
}
overlay /etc
overlay /usr/local
overlay /var
printf '%s\n' "$hosts" >/etc/hosts

# The system's mailgate: every setting differs from its default, and the store is damaged.
mkdir -p /etc/mailgate/templates /var/lib/mailgate /var/lib/mailgate-maps
cat >/etc/mailgate/mailgate.toml <<'EOF'
[store]
url = "/var/lib/mailgate/mailgate.db"
[submit]
method = "smtp"
host = "127.0.0.1"
port = 1
[refusals]
by = "status"
templates = "/etc/mailgate/templates"
[limits]
max_size = 10
[maps]
folder = "/var/lib/mailgate-maps"
unknown = "accept"
EOF
echo "no store" >/var/lib/mailgate/mailgate.db

# A mailgate of another time.
mkdir -p /usr/local/bin /usr/local/sbin
printf '#!/bin/sh\necho "the wrong mailgate: $*" >&2\nexit 1\n' >/usr/local/bin/mailgate
chmod 755 /usr/local/bin/mailgate
cp /usr/local/bin/mailgate /usr/local/sbin/mailgate-pipe

# A Postfix that hands all of example.com to that mailgate.
if [ -x /usr/lib/postfix/sbin/master ]; then
    cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
    cat >>/etc/postfix/master.cf <<'EOF'
mailgate unix - n n - 10 pipe
    flags=DRXhuq user=mailgate argv=/usr/local/sbin/mailgate-pipe -f ${sender} -- ${original_recipient}
EOF
    cat >/etc/postfix/main.cf <<'EOF'
compatibility_level = 3.6
myhostname = mx.in-use.example
mydestination =
recipient_delimiter = -
relay_domains = example.com, texthash:/var/lib/mailgate-maps/postfix-domains
transport_maps = texthash:/var/lib/mailgate-maps/postfix-transport
relay_recipient_maps = texthash:/var/lib/mailgate-maps/postfix-recipients
mailgate_destination_recipient_limit = 1
EOF
    echo 'example.com mailgate:' >/var/lib/mailgate-maps/postfix-transport
fi

# Somebody's home and environment, with what a mail server sets for its pipes.
home=$run/home
mkdir -p "$home/.config/mailgate" "$home/.local/share/mailgate"
cp /etc/mailgate/mailgate.toml "$home/.config/mailgate/mailgate.toml"
cp /var/lib/mailgate/mailgate.db "$home/.local/share/mailgate/mailgate.db"
export HOME="$home" XDG_CONFIG_HOME="$home/.config" XDG_DATA_HOME="$home/.local/share"
export MAILGATE_CONFIG=/etc/mailgate/mailgate.toml MAILGATE_DB=/var/lib/mailgate/mailgate.db
export LANG=de_DE.UTF-8 LC_ALL=C LANGUAGE=de TZ=Asia/Kathmandu
export COLUMNS=31 LINES=7 TERM=dumb FORCE_COLOR=1 NO_COLOR=1 PAGER=false EDITOR=false VISUAL=false
export SENDER=wrong@in-use.example RECIPIENT=wrong@in-use.example ORIGINAL_RECIPIENT=wrong@in-use.example
export LOCAL_PART=wrong DOMAIN=in-use.example EXTENSION=wrong USER=nobody LOGNAME=nobody
export PATH="/usr/local/bin:$PATH"
umask 077
"$@"
