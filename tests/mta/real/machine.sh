#!/bin/sh
# Turn the mount namespace this runs in into a private mail host: PRODUCT (what belongs in /opt/mailgate) [EXIM]
# (unpacked Exim packages).
# /run is empty, and /etc, /opt, /usr and /var become overlays in memory: what is installed or written here stays here.
# As process 1 of its PID namespace it ends, and every process with it, when its standard input is closed.
set -eu
umask 022
product=$1 exim=${2:-}

hosts=$(cat /etc/hosts) # containers bind-mount it over /etc, where an overlay does not see it
mount -t tmpfs -o mode=755 tmpfs /run

overlay() { # TARGET NAME LOWER
    mkdir -p "/run/overlay/$2/upper" "/run/overlay/$2/work"
    mount -t overlay overlay -o "lowerdir=$3,upperdir=/run/overlay/$2/upper,workdir=/run/overlay/$2/work" "$1"
}
overlay /etc etc /etc
overlay /opt opt /opt
overlay /usr usr "${exim:+$exim/usr:}/usr"
overlay /var var /var
printf '%s\n' "$hosts" >/etc/hosts
echo mx.example.net >/etc/mailname

account() { # NAME: a system user with a group of its own
    grep -q "^$1:" /etc/passwd && return
    id=800
    while cut -d: -f3 /etc/passwd /etc/group | grep -qx "$id"; do id=$((id + 1)); done
    echo "$1:x:$id:" >>/etc/group
    echo "$1:x:$id:$id::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
}
memory() { # FOLDER OWNER MODE [SIZE]
    mkdir -p "$1"
    mount -t tmpfs -o "mode=$3${4:+,size=$4}" tmpfs "$1"
    chown "$2:" "$1"
}

# The layout an administrator has: program, user, folders.
rm -rf /opt/mailgate /etc/mailgate
mkdir -p /etc/mailgate /usr/local/sbin /usr/local/bin
rm -f /usr/local/sbin/mailgate-pipe /usr/local/sbin/mailgate
cp -a "$product" /opt/mailgate
ln -sf /opt/mailgate/bin/mailgate /usr/local/bin/mailgate
account mailgate
memory /var/lib/mailgate mailgate 700 256m # small: a test fills it
memory /var/log root 755

if [ -n "$exim" ]; then
    account Debian-exim
    rm -rf /etc/exim4
    cp -a "$exim/etc/exim4" "$exim/etc/email-addresses" /etc
    memory /var/spool/exim4 Debian-exim 750
    memory /var/lib/exim4 root 755
    mkdir /var/log/exim4 /run/exim4
    chown Debian-exim: /var/log/exim4 /run/exim4
else
    memory /var/spool/postfix root 755
    memory /var/lib/postfix postfix 700
fi

if ! env -i PATH="$PATH" mailgate --version >/run/version 2>&1; then
    echo "mailgate does not start: $(cat /run/version) $(ls -ld /opt/mailgate "$product" 2>&1) $(ls -l /opt/mailgate/bin 2>&1)"
    ls -lL /opt/mailgate/bin/python "$(readlink -m /opt/mailgate/bin/python)" 2>&1
    exit 1
fi
echo ready
cat >/dev/null
exit 0 # not "exec cat": a shell reaps the orphans that process 1 inherits
