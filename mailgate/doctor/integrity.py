"""Whether the database is sound, of this version, and free."""

from collections.abc import Iterator

from mailgate.doctor.files import no_wal
from mailgate.mta.check import Check, failed
from mailgate.store.condition import Condition, condition
from mailgate.values.problem import StoreError, command


def check(path: str) -> list[Check]:
    """The database: of this program's schema, in the right mode, whole, and held by no other process."""
    try:
        found = condition(path)
    except StoreError as problem:
        return [failed("store", "wrong", problem, command("mailgate init"))]
    return list(_checks(path, found))


def _checks(path: str, found: Condition) -> Iterator[Check]:
    if found.schema != found.newest:
        text = f"schema {found.schema}, and this program has {found.newest}: mail is put off"
        if found.schema < found.newest:
            yield Check("store", "wrong", text, command("mailgate migrate"))
        else:
            yield Check("store", "wrong", text, advice="upgrade mailgate")
        return
    if found.faults is None:
        text = f"{found.size >> 20} MB, which takes too long to read through while mail comes"
        yield Check("store", "unknown", text, command("sqlite3 {FILE} 'PRAGMA quick_check'", path))
    elif found.faults:
        recover = command("sqlite3 {FILE} .recover", path)
        yield Check("store", "wrong", f"damaged: {found.faults[0]}", recover, "stop the mail server first")
    if found.journal != "delete":
        text = f"journal mode {found.journal}: a power cut could lose mail that was taken"
        yield Check("store", "wrong", text, no_wal(path))
    if found.busy:
        yield Check("store", "wrong", found.busy, command("fuser -v {FILE}", f"{path}.lock"))
    if found.faults == () and found.journal == "delete" and not found.busy:
        yield Check("store", "ok", f"{path}, schema {found.schema}, {found.size >> 10} KB")
