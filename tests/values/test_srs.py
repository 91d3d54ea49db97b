"""The reverse-path behind one that a forwarder or a bounce filter rewrote."""

import pytest

from mailgate.values import address, srs


@pytest.mark.parametrize(
    ("written", "was"),
    [
        ("SRS0=HHH=TT=Client.org=Bob@provider.net", "Bob@client.org"),
        ("srs0+hhh=tt=client.org=bob@provider.net", "bob@client.org"),
        ("SRS0-hhh=tt=client.org=b=ob@provider.net", "b=ob@client.org"),
        ("SRS1=HHH=first.net==ABC=TT=client.org=bob@provider.net", "bob@client.org"),
        ("prvs=0123456789=bob@client.org", "bob@client.org"),
        ("btv1==012abc==bob@client.org", "bob@client.org"),
        ("SRS0=HHH=TT=client.org=prvs=0123456789=bob@provider.net", "bob@client.org"),
        ("SRS0=HHH=TT=-no.domain=bob@provider.net", None),
        ("SRS0=HHH@provider.net", None),
        ("SRS0=HHH=TT=client.org=@provider.net", None),
        ("bob=client.org@provider.net", None),
        ("bob@client.org", None),
    ],
)
def test_a_reverse_path_that_a_forwarder_rewrote(written: str, was: str | None) -> None:
    rewritten = address.lenient(written)
    assert rewritten
    assert str(srs.original(rewritten)) == (was or written)
