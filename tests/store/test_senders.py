"""Who is on the block list and on the allow-list, in every spelling of an address."""

import pytest
from helpers.gateway import Gateway

from mailgate.store import senders
from mailgate.values import address
from mailgate.values.problem import NotFound, Problem


def verdict(gateway: Gateway, text: str) -> str:
    """The list that an author is on, `""` for none."""
    author = address.parse(text)
    assert author
    with gateway.store.read() as tx:
        entry = senders.listed(tx, [author]).get(author)
    return entry.verdict if entry else ""


def put(gateway: Gateway, **lists: str) -> None:
    with gateway.store.write() as tx:
        for permission, texts in lists.items():
            for text in texts.split():
                senders.put(tx, text, permission)


@pytest.mark.parametrize("blocked", ["evil@gmail.com", "e.v.il+x@googlemail.com"])
@pytest.mark.parametrize(
    "author", ["evil@gmail.com", "EVIL+1@gmail.com", "e.vil@gmail.com", "ev.il+a+b@googlemail.com"]
)
def test_a_blocked_mailbox_is_blocked_in_every_spelling(gateway: Gateway, blocked: str, author: str) -> None:
    put(gateway, block=blocked)
    assert verdict(gateway, author) == "block"


@pytest.mark.parametrize("author", ["evil2@gmail.com", "evil@client.org", "devil@gmail.com"])
def test_other_mailboxes_are_not_blocked(gateway: Gateway, author: str) -> None:
    put(gateway, block="evil@gmail.com")
    assert verdict(gateway, author) == ""


def test_dots_mean_something_at_other_providers(gateway: Gateway) -> None:
    put(gateway, block="e.vil@client.org")
    assert [verdict(gateway, f"{local}@client.org") for local in ("e.vil", "e.vil+1", "evil")] == ["block", "block", ""]


def test_a_domain_is_blocked_and_its_neighbours_are_not(gateway: Gateway) -> None:
    put(gateway, block="@Client.ORG.", allow="good@client.org")
    authors = ("bob@client.org", "good@client.org", "bob@a.client.org", "bob@xclient.org", "bob@client-org")
    assert [verdict(gateway, author) for author in authors] == ["block", "allow", "", "", ""]


def test_an_allowance_holds_for_the_address_as_it_is_written(gateway: Gateway) -> None:
    put(gateway, allow="bob@gmail.com @client.org")
    assert verdict(gateway, "bob@gmail.com") == "allow"
    assert verdict(gateway, "b.ob@gmail.com") == ""
    assert verdict(gateway, "anybody@client.org") == "allow"


def test_a_domain_is_taken_off_its_list(gateway: Gateway) -> None:
    put(gateway, block="@client.org")
    with gateway.store.write() as tx:
        senders.remove(tx, "@CLIENT.org")
        with pytest.raises(NotFound):
            senders.remove(tx, "@client.org")
    assert verdict(gateway, "bob@client.org") == ""


@pytest.mark.parametrize("text", ["@", "@a,b", "@client..org"])
def test_what_is_no_domain_is_refused(gateway: Gateway, text: str) -> None:
    with pytest.raises(Problem, match="is not a domain"):
        put(gateway, block=text)
