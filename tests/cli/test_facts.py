"""`message show` says who wrote, what is sealed and what event it is, where that is not in the text."""

import pytest
from helpers.installed import Installed

EVENT = (
    "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Boxes\n"
    "DTSTART:20240305T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            "From: a@b.org, c@d.org\n\nx\n",
            "author    unknown, see the defects: only the policy `everyone` lets this mail in",
        ),
        ("From: a@b.org, c@d.org\n\nx\n", "defect    several mailboxes in From"),
        (
            "From: a@b.org\nstray\nSubject: y\n\nx\n",
            "defect    a line that is no field ends the header for mail servers",
        ),
        (
            "From: a@b.org\nContent-Type: multipart/encrypted; protocol=application/pgp-encrypted; boundary=b\n\n"
            "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\n"
            "Content-Type: application/octet-stream\n\nx\n--b--\n",
            "encrypted with PGP",
        ),
        (
            "From: a@b.org\nContent-Type: multipart/signed; protocol=application/pgp-signature; boundary=b\n\n"
            "--b\n\nHello\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n",
            "signed    with PGP; the signature is not verified",
        ),
        (
            f"From: a@b.org\nContent-Type: text/calendar\n\n{EVENT}",
            "calendar  request, Boxes, 2024-03-05T09:00:00+00:00",
        ),
    ],
)
def test_what_is_known_of_a_message_is_a_line(office: Installed, raw: str, line: str) -> None:
    done = office("deliver", "-f", "ann@client.org", "support@example.com", stdin=raw.encode())
    assert done.exit == 0
    number = office.json("message", "list")[-1]["number"]
    assert f"      {line}" in office.ok("message", "show", str(number))
