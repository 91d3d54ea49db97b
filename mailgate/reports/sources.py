"""Find the recipients of a delivery report, in the surest place that names any.

1. The fields of RFC 3464 in a status part.
2. The field X-Failed-Recipients, which Exim writes.
3. Fields of RFC 3464 in the text, where MIME is broken.
4. The status part of an enclosed report, which a gateway wrapped in one of its own.
5. Addresses in the words of the notice, by their place in the layout.
6. What flufl.bounce recognises, and addresses in any place, when a mail system wrote the notice.
7. No recipient: a mail system reports a failure that names nobody. It is kept, never dropped.

A status part without an address (`LOCAL; ann`) is completed from the places below it. `basis` says of every place how
far it is believed.
"""

from mailgate.mail.message import Message
from mailgate.reports import basis, dsn, flufl, plaintext, recipients
from mailgate.reports.contents import Contents
from mailgate.reports.dsn import Block
from mailgate.reports.evidence import FIELDS_ONLY, REPORT, SURE, Evidence, is_null
from mailgate.reports.plaintext import Notice
from mailgate.values import mailboxes


def blocks(message: Message, contents: Contents, evidence: Evidence) -> list[Block]:
    """What the report says, a block for each recipient; none when it is not about mail."""
    stated = [block for text in contents.status for block in dsn.blocks(text)]
    if any(block.recipient for block in stated):
        return _marked(stated, basis.of_status(evidence))
    fields = _exim_field(message, contents) or _fields_in_text(contents, evidence)
    if fields or evidence.trust == FIELDS_ONLY:
        return dsn.completed(stated, _marked(fields, basis.of_fields(evidence)))
    notice = _notice(contents, evidence)
    words = basis.of_words(evidence, contents, notice, message.subject)
    named = _named(message, contents, evidence, notice, words) if words else []
    return dsn.completed(stated, named) or _unnamed(message, contents, evidence, notice, words)


def _marked(blocks: list[Block], basis: str) -> list[Block]:
    return [block._replace(basis=basis) for block in blocks]


def _notice(contents: Contents, evidence: Evidence) -> Notice:
    """The words of the notice. Unless a mail system wrote them, quoted lines are someone else's."""
    return contents.notice if evidence.trust == SURE else plaintext.split(plaintext.unquoted(contents.words))


def _exim_field(message: Message, contents: Contents) -> list[Block]:
    """The recipients in X-Failed-Recipients, each with what the notice says below its line."""
    if "x-failed-recipients" not in message.fields:
        return []
    failed = [str(address) for value in message.plain("x-failed-recipients") for address in mailboxes.read(value)]
    return plaintext.of_these(failed, contents.notice.words, message.subject) if failed else []


def _fields_in_text(contents: Contents, evidence: Evidence) -> list[Block]:
    """The recipients in fields of RFC 3464 that are not in a status part."""
    if evidence.trust == FIELDS_ONLY:
        return []
    words = contents.words if evidence.trust == SURE else plaintext.unquoted(contents.words)
    return [block for text in (contents.disposition, words) for block in dsn.blocks(text) if block.recipient]


def _named(message: Message, contents: Contents, evidence: Evidence, notice: Notice, words: str) -> list[Block]:
    """The recipients that a notice names; `words` is its basis.

    A mail system's doubtful notice counts only where it names recipients plainly.
    """
    believed = words == dsn.WORDS
    if believed or evidence.trust < SURE:
        enclosed = [block for text in contents.open_enclosed() for block in dsn.blocks(text) if block.recipient]
        if enclosed:
            return _marked(enclosed, basis.of_fields(evidence))
    author = message.author.address
    senders = frozenset(
        str(address).lower() for address in (author, message.envelope.reverse_path, *message.to, *message.cc) if address
    )
    host = author.domain if author and believed else ""
    layout = plaintext.Layout(notice.words, senders, message.subject, host)
    named = plaintext.blocks(layout, recipients.PLAIN)
    if not named and believed:
        named = flufl.blocks(message, contents.words, senders) or plaintext.blocks(layout, recipients.GUESS)
    return _marked(named, words)


def _unnamed(message: Message, contents: Contents, evidence: Evidence, notice: Notice, words: str) -> list[Block]:
    """The failure that a notice reports without a recipient.

    A postmaster is a person too, and sends warnings and lists of what a filter caught. Their words without a recipient
    count only at a bounce address, and only as a guess.
    """
    by_system = evidence.because == REPORT or evidence.daemon or (evidence.expected and is_null(message))
    if evidence.trust < SURE or not by_system or not words:
        return []
    return plaintext.without_recipient(
        notice.words, message.subject, basis.without_recipient(evidence, contents, notice, words)
    )
