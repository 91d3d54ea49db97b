"""Check that the database is sound, has this program's schema, and is not locked."""

from collections.abc import Iterator

from mailgate.doctor.files import no_wal
from mailgate.mta.check import Check, failed
from mailgate.store.condition import Condition, condition
from mailgate.values.problem import StoreError, command


def check(path: str) -> list[Check]:
    """Check the schema, the content, the journal mode and the lock of the database."""
    try:
        state = condition(path)
    except StoreError as problem:
        return [failed("store", "wrong", problem, command("mailgate init"))]
    return list(_checks(path, state))


def _checks(path: str, state: Condition) -> Iterator[Check]:
    if state.schema != state.newest:
        text = f"schema {state.schema}, and this program has {state.newest}: mail is put off"
        if state.schema < state.newest:
            yield Check("store", "wrong", text, command("mailgate migrate"))
        else:
            yield Check("store", "wrong", text, advice="upgrade mailgate")
        return
    if state.faults is None:
        text = f"{state.size >> 20} MB, which takes too long to read through while mail comes: check a copy"
        yield Check("store", "unknown", text, command("mailgate check-store"))
    elif state.faults:
        look = command("mailgate check-store")
        yield Check("store", "wrong", f"damaged: {state.faults[0]}", look, "restore a backup: mailgate help backup")
    if state.journal != "delete":
        text = f"journal mode {state.journal}: a power cut could lose mail that was taken"
        yield Check("store", "wrong", text, no_wal(path))
    if state.busy:
        yield Check("store", "wrong", state.busy, command("fuser -v {FILE}", f"{path}.lock"))
    if state.faults == () and state.journal == "delete" and not state.busy:
        yield Check("store", "ok", f"{path}, schema {state.schema}, {state.size >> 10} KB")
