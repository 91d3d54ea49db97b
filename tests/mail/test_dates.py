"""The Date field as people's programs write it."""

import pytest

from mailgate.mail import dates

NINE = "2024-03-04T09:12:11"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Mon, 4 Mar 2024 09:12:11 +0100", f"{NINE}+01:00"),
        ("Mon,4 Mar 2024 09:12:11+0100", f"{NINE}+01:00"),
        ("Tue, 029 Apr 2019 23:34:45 -0800 (PST)", "2019-04-29T23:34:45-08:00"),
        ("Mon, 4 Mar 2024 09:12:11 -0000", f"{NINE}+00:00"),
        ("Mon, 4 Mar 2024 09:12:11", f"{NINE}+00:00"),
        ("Mon, 4 Mar 2024 09:12:11 +9999", f"{NINE}+00:00"),
        ("Mon, 4 Mar 2024 09:12:11 H", f"{NINE}+00:00"),
        ("Mon, 4 Mar 2024 09:12:11 JST", f"{NINE}+09:00"),
        ("Mon, 4 Mar 2024 09:12:11 BST", f"{NINE}+01:00"),
        ("Mon, 4 Mar 2024 09:12:11 MEZ", f"{NINE}+01:00"),
        ("Mon, 4 Mar 2024 09:12:11 CEST", f"{NINE}+02:00"),
        ("Mon, 4 Mar 2024 09:12:11 IST", f"{NINE}+05:30"),
        ("Mon, 4 Mar 2024 09:12:11 NZDT", f"{NINE}+13:00"),
        ("Mon, 4 Mar 2024 09:12:11 (EDT) -0400", f"{NINE}-04:00"),
        ("Mon, 4 Mar 2024 09:12:11 -0500 (EST)", f"{NINE}-05:00"),
        ("Mon, 4 Mar 2024 09:12:11 PST8PDT", f"{NINE}-08:00"),
        ("Mon, 4 Mar 2024 09:12:11 UTC+02:00", f"{NINE}+02:00"),
        ("Mon Mar 04 2024 09:12:11 GMT+0100 (Central European Standard Time)", f"{NINE}+01:00"),
        ("Monday, 4 March 2024 09:12:11 Eastern Daylight Time", f"{NINE}-04:00"),
        ("Mon, 4 Mar 2024 09:12:11 W. Europe Standard Time", f"{NINE}+01:00"),
        ("2024-03-04T09:12:11+01:00", f"{NINE}+01:00"),
        ("2024-03-04T09:12:11.123Z", f"{NINE}+00:00"),
        ("2024-03-04 09:12:11", f"{NINE}+00:00"),
        ("2024/03/04 09:12:11 +0900", f"{NINE}+09:00"),
        ("20240304T091211Z", f"{NINE}+00:00"),
        ("lun., 4 mars 2024 09:12:11 +0100", f"{NINE}+01:00"),
        ("Mo, 04 Mrz 2024 09:12:11 +0100", f"{NINE}+01:00"),
        ("Montag, 4. März 2024 09:12:11 +0100", f"{NINE}+01:00"),
        ("lunes, 4 de marzo de 2024 9:12:11 +0100", f"{NINE}+01:00"),
        ("Пн, 4 мар 2024 09:12:11 +0300", f"{NINE}+03:00"),
        ("po, 4. září 2023 09:12:11 +0200", "2023-09-04T09:12:11+02:00"),
        ("po, 4. červenec 2023 09:12:11 +0200", "2023-07-04T09:12:11+02:00"),
        ("Fri, 15 Sept 2023 10:00:00 +0200", "2023-09-15T10:00:00+02:00"),
        ("4. mars 2024 kl. 09:12:11 CET", f"{NINE}+01:00"),
        ("2024年3月4日(月) 9:12:11", f"{NINE}+00:00"),
        ("2024년 3월 4일 오후 9:12:11", "2024-03-04T21:12:11+00:00"),
        ("Mon, 4 Mar 124 09:12:11 +0100", f"{NINE}+01:00"),
        ("Mon, 4 Mar 24 09:12:11 +0100", f"{NINE}+01:00"),
        ("Mon, 04 Mar 99 09:12:11 EST", "1999-03-04T09:12:11-05:00"),
        ("4-Mar-2024 09:12:11 +0100", f"{NINE}+01:00"),
        ("Mon Mar  4 09:12:11 2024", f"{NINE}+00:00"),
        ("Mon Mar  4 09:12:11 CET 2024", f"{NINE}+01:00"),
        ("Mon 4 Mar 09:12:11 2024", f"{NINE}+00:00"),
        ("March 4, 2024 9:12:11 PM EST", "2024-03-04T21:12:11-05:00"),
        ("March 4, 2024 12:12:11 AM", "2024-03-04T00:12:11+00:00"),
        ("04.03.2024 09:12:11", f"{NINE}+00:00"),
        ("3/4/2024 9:12:11 AM", f"{NINE}+00:00"),
        ("25/4/2024 9:12:11", "2024-04-25T09:12:11+00:00"),
        ("Mon, 4 Mar 2024 09.12.11 +0100", f"{NINE}+01:00"),
        ("Mon, 4 Mar 2024 09:12:60 +0100", "2024-03-04T09:12:59+01:00"),
        ("Mon, 4 Mar 2024", "2024-03-04T00:00:00+00:00"),
    ],
)
def test_a_date_has_its_moment_and_a_zone(text: str, wanted: str) -> None:
    moment = dates.read(text)
    assert moment is not None
    assert moment.isoformat() == wanted


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "1709539931", "Mon, 44 Mar 2024 09:12:11 +0100", "Mon, 4 Mar 2024 25:12:11 +0100", "4 Foo 2024"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert dates.read(text) is None


def test_a_moment_outside_of_all_years_is_none() -> None:
    assert dates.read("31 Dec 9999 23:59:59 -1200") is None
