"""Which wiring is recognised, by what the server or a home says."""

import pytest

from mailgate.mta import wiring
from mailgate.mta.wiring import Wiring

FOLDER = "/var/lib/mailgate-maps"
PIPE = (
    "mailgate unix - n n - 10 pipe flags=RXq user=mailgate:mailgate null_sender="
    " argv=/usr/local/sbin/mailgate-pipe -f ${sender} -- ${recipient}"
)
LMTP = "mailgate unix - - n - 10 lmtp"
OURS = f"hash:/etc/postfix/transport, hash:{FOLDER}/domains"


@pytest.mark.parametrize(
    ("settings", "service", "transports", "kind"),
    [
        ({}, "", {}, None),
        ({"transport_maps": OURS}, PIPE, {"example.com": "mailgate:"}, "transport"),
        ({"transport_maps": OURS}, "", {"example.com": "mailgate:"}, "transport"),
        ({"transport_maps": OURS}, LMTP, {"example.com": "mailgate:unix:private/x"}, "lmtp"),
        ({"transport_maps": OURS}, PIPE, {"example.com": "lmtp:inet:127.0.0.1:2003"}, "lmtp"),
        ({"alias_maps": f"hash:/etc/aliases, hash:{FOLDER}/aliases"}, "", {}, "alias"),
        ({"alias_maps": f"hash:/etc/aliases, hash:{FOLDER}/aliases"}, PIPE, {}, "alias"),
        ({"alias_maps": f"hash:{FOLDER}/aliases", "transport_maps": OURS}, PIPE, {}, "transport"),
        ({"alias_maps": "hash:/srv/other-maps/aliases"}, "", {}, None),
        ({}, PIPE, {}, "transport"),
    ],
)
def test_postfix(settings: dict[str, str], service: str, transports: dict[str, str], kind: str | None) -> None:
    found = wiring.of_postfix(FOLDER, settings, service, transports)
    assert (found.kind if found else None) == kind


def test_where_an_lmtp_server_should_listen() -> None:
    found = wiring.of_postfix(FOLDER, {}, "", {"example.com": "lmtp:unix:mailgate/lmtp.sock"})
    assert found == Wiring("postfix", "lmtp", "transport_maps", "unix:mailgate/lmtp.sock")


@pytest.mark.parametrize(
    ("router", "transport", "kind", "target"),
    [
        ({"transport": "mailgate"}, {"driver": "pipe"}, "transport", ""),
        ({"transport": "mg"}, {"driver": "lmtp", "socket": "/run/x"}, "lmtp", "unix:/run/x"),
        (
            {"transport": "mg"},
            {"driver": "smtp", "protocol": "lmtp", "hosts": "127.0.0.1", "port": "2003"},
            "lmtp",
            "inet:127.0.0.1:2003",
        ),
    ],
)
def test_exim(router: dict[str, str], transport: dict[str, str], kind: str, target: str) -> None:
    found = wiring.of_exim({("router", "mailgate"): router, ("transport", router["transport"]): transport})
    assert found
    assert (found.kind, found.target) == (kind, target)
    assert wiring.of_exim({("router", "mailgate"): None}) is None


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        (".forward", '"|/home/nora/.local/bin/mailgate deliver"\n', "forward"),
        (".forward", "\\nora, |/opt/mailgate/bin/mailgate-pipe\n", "forward"),
        (".forward", "nora@example.net\n", None),
        (".forward", '# "|/home/nora/bin/mailgate deliver"\n', None),
        (".procmailrc", ":0 w\n* ^TO_support\n| $HOME/bin/mailgate deliver\n", "procmail"),
        (".procmailrc", ":0\n* ^Subject: mailgate\nmailgate/\n", None),
        (".mailfilter", 'to "| mailgate deliver -f \\"$FROM\\""\n', "maildrop"),
    ],
)
def test_a_home(name: str, text: str, kind: str | None) -> None:
    assert [found.kind for found in wiring.of_home({f"/home/nora/{name}": text})] == ([kind] if kind else [])
