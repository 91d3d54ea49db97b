"""Which stored messages a message may answer or report: by the ids that it names, by the tokens in its addresses."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from mailgate.mail import classify
from mailgate.mail import message as mails
from mailgate.mail.envelope import Envelope
from mailgate.reports.report import Report
from mailgate.routing.facts import Facts
from mailgate.routing.state import Delivery, Known, Placement, Thread
from mailgate.store import aliases
from mailgate.store import directory as directories
from mailgate.store.database import Row, Transaction, select_each, select_for, select_in
from mailgate.values import token
from mailgate.values.address import Address, lenient, lower
from mailgate.values.directory import Alias, Directory
from mailgate.values.record import Ref

_DOUBTFUL = 20
"""Messages that share one id, the first ones, among which a parent is looked for."""
_CANDIDATES = 40
"""Stored messages that are looked at for all ids that a message names, more only where it names more."""
_POSTS = 100
"""Messages whose authors are looked at, on all records where one that mentions an id may lead."""
_DELIVERIES = (
    "SELECT number, message, delivery.message_id, delivery.model, delivery.id, recipient, revoked, signed_for,"
    " alias, policy, record.id IS NULL AS gone"
    " FROM delivery LEFT JOIN record ON record.model = delivery.model AND record.id = delivery.id"
)


_EARLY = 3
"""Messages that mention an id, the first ones, among which an answer that came too early is looked for."""
_FIRST = (
    "SELECT number, message.message_id, direction, flags, author, substr(octets, 1, 65536) AS octets FROM message"
    " JOIN raw ON raw.message = number WHERE number IN (SELECT message FROM mention WHERE message_id = ?"
    " ORDER BY message LIMIT ?) ORDER BY number"
)


class Threads:
    """Looks things up for one message. `directory` grows by the aliases that govern what is found."""

    def __init__(self, tx: Transaction, directory: Directory) -> None:
        self.tx = tx
        self.directory = directory

    def deliveries(self, addresses: Iterable[Address]) -> dict[int, Delivery]:
        """The deliveries that the tokens in some addresses name, by number; whether a token is valid is not checked."""
        tokens = (token.parse(lower(address.local)) for address in addresses)
        numbers = sorted({parsed.number for parsed in tokens if parsed})
        if not numbers:
            return {}
        rows = list(select_in(self.tx, f"{_DELIVERIES} WHERE number IN ({{}})", numbers))
        return {delivery.number: delivery for delivery in self._deliveries(rows)}

    def thread(self, facts: Facts, copies: Iterable[int], signed: Iterable[Delivery] = ()) -> Thread:
        """The stored messages that a message names, or that its report is about, by id or by a `signed` address.

        Of many messages with one id, or that mention it, those count that came first (or last): whoever stores more of
        them slows down nobody. An id that is merely mentioned is looked for where no other leads to a record; what
        `copies` (numbers of messages) did is none of the people who take part there. `records` is left empty.
        """
        references, report = facts.message.references, facts.report
        ids = (*references, *(report.message_ids if report else ()))
        shared = {delivery.message for delivery in signed if not delivery.recipient} if report else set()
        copies = frozenset(copies)
        if not ids and not shared:
            return Thread(answers=self._answers(facts, copies))
        known = self._with_people(self._known(_named(self.tx, ids)), copies)
        on_record = any(message.placements and not message.reused for same in known.values() for message in same)
        mentioned = {} if on_record or not references else self._mentioned(facts, copies)
        answers = () if on_record or mentioned or report else self._answers(facts, copies)
        return Thread(known, mentioned, frozenset(), self._sent_to(known, report, shared) if report else {}, answers)

    def _answers(self, facts: Facts, copies: Collection[int]) -> tuple[Known, ...]:
        """The stored messages that answer this one, which came later: their author is among its recipients, and its
        author among theirs."""
        message = facts.message
        author = message.author.address
        if author is None or not message.message_id:
            return ()
        written_to = {address.key for address in (*message.to, *message.cc)}
        rows = self.tx.execute(_FIRST, (message.message_id, _EARLY)).fetchall()
        rows = [row for row in rows if row["direction"] == "in" and row["author"] in written_to]
        rows = [row for row in rows if row["number"] not in copies and author.key in _recipients(row["octets"])]
        placements = self._placements([row["number"] for row in rows]) if rows else {}
        return tuple(known for row in rows if not (known := _from_row(row, placements)).reused)

    def _known(self, rows: Mapping[str, list[Row]]) -> dict[str, tuple[Known, ...]]:
        placements = self._placements([row["number"] for same in rows.values() for row in same])
        return {id_: tuple(_from_row(row, placements) for row in same) for id_, same in rows.items()}

    def _with_people(
        self, known: Mapping[str, tuple[Known, ...]], copies: Collection[int]
    ) -> Mapping[str, tuple[Known, ...]]:
        """The same with the people who take part where several mails share one id, the first messages of each."""
        doubtful = {id_: group[:_DOUBTFUL] for id_, group in known.items() if any(each.reused for each in group)}
        records = {placement.record for group in doubtful.values() for each in group for placement in each.placements}
        if not records:
            return known
        people = _participants(self.tx, records, copies)

        def placed(message: Known) -> Known:
            placements = message.placements
            return message._replace(
                placements=tuple(each._replace(participants=people[each.record]) for each in placements)
            )

        return {**known, **{id_: tuple(map(placed, group)) for id_, group in doubtful.items()}}

    def _mentioned(self, facts: Facts, copies: Collection[int]) -> dict[str, tuple[Known, ...]]:
        ids = facts.message.references
        most = _candidates(ids)
        oldest = "SELECT message FROM mention WHERE mention.message_id = named.column1 ORDER BY message LIMIT ?"
        query = (
            "SELECT named.column1 AS mentioned, number, message.message_id, direction, flags FROM ({}) AS named"
            f" JOIN message ON number IN (SELECT * FROM ({oldest}) AS oldest"
            f" UNION SELECT * FROM ({oldest.replace('ORDER BY message', 'ORDER BY message DESC')}) AS newest)"
        )
        rows = list(select_each(self.tx, query, ids, most, most))
        placements = self._placements({row["number"] for row in rows})
        records = {placement.record for placed in placements.values() for placement in placed}
        people = _participants(self.tx, records, copies)
        with_people = {
            number: tuple(placement._replace(participants=people[placement.record]) for placement in placed)
            for number, placed in placements.items()
        }
        mentioned: dict[str, list[Known]] = {}
        known = {row["number"]: _from_row(row, with_people) for row in rows}
        for row in rows:
            mentioned.setdefault(row["mentioned"], []).append(known[row["number"]])
        return {id_: tuple(group) for id_, group in mentioned.items()}

    def _sent_to(
        self, known: Mapping[str, tuple[Known, ...]], report: Report, shared: Collection[int]
    ) -> dict[int, tuple[Delivery, ...]]:
        """The deliveries to those whom a report names, of our messages that it names; two where it names nobody.

        `shared`: further messages. What another program sent to several has one delivery, which is that of each.
        """
        own = {message.number for id_ in report.message_ids for message in known.get(id_, ()) if message.outgoing}
        own |= set(shared)
        named = (lenient(finding.recipient) for finding in report.findings if finding.recipient)
        keys = sorted({address.key for address in named if address})
        sent: dict[int, tuple[Delivery, ...]] = {}
        for number in own:
            rows = list(select_in(self.tx, f"{_DELIVERIES} WHERE recipient IN ({{}}) AND message = ?", keys, number))
            if any(finding.recipient is None for finding in report.findings):
                rows += self.tx.execute(f"{_DELIVERIES} WHERE message = ? LIMIT 2", (number,)).fetchall()
            found = {delivery.number: delivery for delivery in self._deliveries(rows)}.values()
            sent[number] = (*found, *self._of_candidates(number, keys))
        return sent

    def _of_candidates(self, number: int, keys: Collection[str]) -> list[Delivery]:
        """The one delivery of a message that went to several, for each of `keys` to which it went."""
        rows = self.tx.execute(f"{_DELIVERIES} WHERE message = ? AND recipient = ''", (number,)).fetchall()
        if not rows:
            return []
        row = self.tx.execute("SELECT recipients FROM message WHERE number = ?", (number,)).fetchone()
        took = set(json.loads(row["recipients"]))
        return [delivery._replace(recipient=key) for delivery in self._deliveries(rows) for key in keys if key in took]

    def _placements(self, messages: Collection[int]) -> dict[int, tuple[Placement, ...]]:
        """Where messages stand, the oldest record first."""
        query = (
            "SELECT message, placement.model, placement.id, alias, policy FROM placement"
            " LEFT JOIN record ON record.model = placement.model AND record.id = placement.id"
            " WHERE message IN ({}) ORDER BY placement.number"
        )
        rows = list(select_in(self.tx, query, messages))
        self._ask_for([row["alias"] for row in rows])
        placements: dict[int, list[Placement]] = {}
        for row in rows:
            placement = Placement(Ref(row["model"], row["id"]), self._governing(row))
            placements.setdefault(row["message"], []).append(placement)
        return {message: tuple(group) for message, group in placements.items()}

    def _deliveries(self, rows: Sequence[Row]) -> list[Delivery]:
        self._ask_for([row["alias"] for row in rows])
        return [
            Delivery(
                number=row["number"],
                message=row["message"],
                message_id=row["message_id"],
                placement=Placement(Ref(row["model"], row["id"]), self._governing(row)),
                recipient=row["recipient"],
                gone=bool(row["gone"]),
                revoked=bool(row["revoked"]),
                signed_for=row["signed_for"] or f"{row['model']}/{row['id']}",
            )
            for row in rows
        ]

    def _ask_for(self, aliases: Iterable[str | None]) -> None:
        """Let the directory hold the aliases with these addresses, as far as they are still there."""
        missing = [lenient(address) for address in aliases if address and address not in self.directory.aliases]
        if missing:
            self.directory = directories.extended(self.tx, self.directory, [address for address in missing if address])

    def _governing(self, row: Row) -> Alias | None:
        """The alias that governs the record in a row; of one that was removed there is left what its record kept."""
        address = row["alias"] or ""
        alias = self.directory.aliases.get(address)
        if alias and alias.address == address:
            return alias
        local, _, domain = address.rpartition("@")
        return aliases.remains(local, domain, row["policy"]) if row["policy"] else None


def existing(tx: Transaction, records: Iterable[Ref]) -> frozenset[Ref]:
    """Those of some records that are there."""
    rows = select_for(
        tx, "SELECT model, id FROM ({}) AS named CROSS JOIN record WHERE model = column1 AND id = column2", records
    )
    return frozenset(Ref(row["model"], row["id"]) for row in rows)


def _candidates(ids: Collection[str]) -> int:
    """How many stored messages are looked at for one id, where a message names so many of them."""
    return max(1, min(_CANDIDATES // 4, _CANDIDATES // (len(ids) or 1)))


def _named(tx: Transaction, ids: Collection[str]) -> dict[str, list[Row]]:
    """The messages with these ids, those that went to somebody as a copy under such an id among them."""
    rows: dict[str, list[Row]] = {}
    received = (
        "SELECT number, message_id, direction, flags FROM ({}) AS named JOIN message ON number IN ("
        "SELECT number FROM message AS same WHERE same.message_id = named.column1"
        " ORDER BY direction DESC, number LIMIT ?) ORDER BY number"
    )
    for row in select_each(tx, received, ids, _candidates(ids)):
        rows.setdefault(row["message_id"], []).append(row)
    copied = (
        "SELECT number, message_id, 'out' AS direction, '[]' AS flags FROM (SELECT column1 AS message_id,"
        " (SELECT min(message) FROM delivery WHERE delivery.message_id = named.column1) AS number"
        " FROM ({}) AS named) AS copy WHERE number IS NOT NULL"
    )
    for row in select_each(tx, copied, ids):
        same = rows.setdefault(row["message_id"], [])
        if row["number"] not in {other["number"] for other in same}:
            same.append(row)
    return rows


def _recipients(head: bytes) -> frozenset[str]:
    """The `Address.key` of everybody whom the start of a stored message names in To and Cc."""
    written = mails.read(head, lambda hints, author: Envelope())
    return frozenset(address.key for address in (*written.to, *written.cc))


def _from_row(row: Row, placements: Mapping[int, tuple[Placement, ...]]) -> Known:
    return Known(
        number=row["number"],
        message_id=row["message_id"] or "",
        outgoing=row["direction"] == "out",
        reused="reused-id" in json.loads(row["flags"]),
        placements=placements.get(row["number"], ()),
    )


def _participants(tx: Transaction, records: set[Ref], copies: Collection[int]) -> dict[Ref, frozenset[str]]:
    """Who follows a record, was written to by us on it lately, or wrote on it lately: their `Address.key`.

    Without the authors of `copies`, outsiders, and those who reused an id.
    """
    people: dict[Ref, set[str]] = {record: set() for record in records}
    followers = (
        "SELECT model, id, address, author FROM ({}) AS named CROSS JOIN follower"
        " WHERE model = column1 AND id = column2"
    )
    for row in select_for(tx, followers, records):
        author = lenient(row["author"]) if row["author"] else None
        names = {row["address"], row["author"]} if author and not classify.is_robot(author) else {row["address"]}
        people[Ref(row["model"], row["id"])] |= names
    wrote = (
        "SELECT DISTINCT placement.model, placement.id, author, message.number, flags FROM ({}) AS named"
        " CROSS JOIN placement CROSS JOIN message WHERE placement.number IN (SELECT number FROM placement AS newest"
        " WHERE newest.model = named.column1 AND newest.id = named.column2 ORDER BY number DESC LIMIT ?)"
        " AND message.number = placement.message AND author IS NOT NULL AND direction = 'in'"
    )
    most = max(1, _POSTS // max(1, len(records)))
    for row in select_for(tx, wrote, records, most):
        if row["number"] not in copies and not {"outsider", "reused-id"} & set(json.loads(row["flags"])):
            people[Ref(row["model"], row["id"])].add(row["author"])
    written_to = (
        "SELECT DISTINCT delivery.model, delivery.id, recipient FROM ({}) AS named"
        " CROSS JOIN delivery WHERE delivery.number IN (SELECT number FROM delivery AS newest"
        " WHERE newest.model = named.column1 AND newest.id = named.column2 ORDER BY message DESC LIMIT ?)"
        " AND recipient != ''"
    )
    for row in select_for(tx, written_to, records, most):
        people[Ref(row["model"], row["id"])].add(row["recipient"])
    return {record: frozenset(keys) for record, keys in people.items()}
