"""The systemd units that run mailgate where the mail server speaks LMTP to it."""

import os

from mailgate.mta.plan import UNITS, ConfigFile, Plan
from mailgate.values.problem import quoted


def lmtp(plan: Plan, group: str) -> list[ConfigFile]:
    """The service, and the socket at `plan.lmtp` to which `group` may connect."""
    listen = plan.lmtp.removeprefix("unix:")
    program = os.path.join(os.path.dirname(plan.python), "mailgate")
    configuration = f" -C {quoted(plan.configuration)}" if plan.configuration else ""
    socket = _SOCKET.replace("@LISTEN@", listen).replace("@USER@", plan.user).replace("@GROUP@", group)
    service = _SERVICE.replace("@USER@", plan.user).replace("@PROGRAM@", f"{program}{configuration}")
    return [
        ConfigFile(name, f"{UNITS}{name}", text)
        for name, text in (("mailgate-lmtp.socket", socket), ("mailgate.service", service))
    ]


_SOCKET = """\
# Where a mail server speaks LMTP to mailgate.service, made by `mailgate setup exim --lmtp`; it waits here while that
# starts.
[Unit]
Description=mailgate's socket for LMTP

[Socket]
# The group of the mail server may connect: for Postfix, SocketGroup=postfix.
ListenStream=@LISTEN@
FileDescriptorName=lmtp
Service=mailgate.service
SocketUser=@USER@
SocketGroup=@GROUP@
SocketMode=0660
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""
_SERVICE = """\
# One process that takes all mail: `mailgate help serve`. Also made by `mailgate setup postfix|exim --lmtp`.
# install -m 644 examples/systemd/mailgate.service examples/systemd/mailgate-*.socket /etc/systemd/system/
# systemctl daemon-reload && systemctl enable --now mailgate-deliver.socket mailgate-lmtp.socket mailgate.service
[Unit]
Description=mailgate, mail that arrives and mail that leaves
Documentation=man:mailgate-serve(1)
After=network.target mailgate-deliver.socket mailgate-lmtp.socket
Wants=mailgate-deliver.socket mailgate-lmtp.socket

[Service]
Type=notify
# The owner of the store: nobody else opens it.
User=@USER@
ExecStart=@PROGRAM@ serve
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
WatchdogSec=60
# A stop finishes what was begun; its own children record what was handed to the mail server.
KillMode=mixed
TimeoutStopSec=2min
LimitNOFILE=4096
# The sendmail program of a mail server is setgid and writes into its own queue: no NoNewPrivileges, and no
# ProtectSystem=strict.
ProtectSystem=full
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictRealtime=yes
LockPersonality=yes
UMask=0077

[Install]
WantedBy=multi-user.target
"""
