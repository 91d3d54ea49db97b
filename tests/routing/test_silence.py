"""May a message be answered?"""

import pytest
from helpers.messages import facts, mail

from mailgate.mail import classify
from mailgate.mail.message import Message
from mailgate.routing import silence as silent

ROBOTS = ("mailer-daemon", "postmaster", "noreply", "owner-list")


def read(*more: tuple[str, str], reverse_path: str | None = "bob@client.org", **fields: str | None) -> Message:
    return facts(mail("", *more, **fields), "info@example.com", reverse_path=reverse_path)


def silence(
    message: Message, *, own: str = "", spam: bool = False, forged: str = "", blind: str = "", refusal: bool = False
) -> str:
    class_ = classify.classify(message)
    return silent.why(message, class_, own_sender=own, spam=spam, forged=forged, blind=blind, answers_refusal=refusal)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([("Auto-Submitted", "auto-replied")], id="auto-submitted"),
        pytest.param([("Precedence", "bulk")], id="bulk"),
        pytest.param([("Precedence", "list")], id="list"),
        pytest.param([("Precedence", "junk")], id="junk"),
        pytest.param([("Precedence", "auto_reply")], id="auto_reply"),
        pytest.param([("List-Whatever", "x")], id="any-list-field"),
        *(
            pytest.param([("X-Auto-Response-Suppress", value)], id=f"suppress-{value}")
            for value in ("All", "NDR", "OOF", "AutoReply", "DR, OOF, AutoReply", "RN,NRN,ndr")
        ),
        pytest.param([("X-Autoreply", "yes")], id="x-autoreply"),
        pytest.param([("X-Autorespond", "yes")], id="x-autorespond"),
        pytest.param([("Content-Type", "multipart/report")], id="report"),
        pytest.param([("Received", "by mx")] * 50, id="fifty-hops"),
        pytest.param([("Delivered-To", "a@x.org")] * 3, id="three-times-delivered-to-one-address"),
    ],
)
def test_these_fields_forbid_an_answer(more: list[tuple[str, str]]) -> None:
    assert silence(read(*more))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([], id="a-person"),
        pytest.param([("Auto-Submitted", "no")], id="auto-submitted-no"),
        pytest.param([("X-Auto-Response-Suppress", "None")], id="suppress-none"),
        pytest.param([("X-Auto-Response-Suppress", "DR, RN, NRN")], id="suppress-other-things"),
        pytest.param([("Received", "by mx")] * 24, id="many-hops"),
        pytest.param([("Delivered-To", "a@x.org"), ("Delivered-To", "b@x.org")], id="an-alias-chain"),
    ],
)
def test_these_fields_allow_an_answer(more: list[tuple[str, str]]) -> None:
    assert silence(read(*more)) == ""


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(read(reverse_path=""), {}, id="null-reverse-path"),
        pytest.param(read(reverse_path="p\ufffd@client.org"), {}, id="unreadable-reverse-path"),
        *(pytest.param(read(reverse_path=f"{each}@client.org"), {}, id=f"path-{each}") for each in ROBOTS),
        *(pytest.param(read(**{"from": f"{each}@client.org"}), {}, id=f"from-{each}") for each in ROBOTS),
        pytest.param(read(), {"own": "info@example.com"}, id="own-address"),
        pytest.param(read(), {"spam": True}, id="spam"),
        pytest.param(read(), {"blind": "info@example.com"}, id="blind-copy"),
        pytest.param(read(), {"refusal": True}, id="answers-a-refusal"),
    ],
)
def test_the_reason_for_silence_is_named(message: Message, reason: dict[str, object]) -> None:
    assert silence(message, **reason)


@pytest.mark.parametrize("local", ["no-reply", "DoNotReply", "bounces+x", "list-request", "listserv"])
def test_nobody_answers_the_reverse_path_of_a_robot(local: str) -> None:
    assert silence(read(reverse_path=f"{local}@client.org")) == f"reverse-path {local}@client.org is a robot's"
