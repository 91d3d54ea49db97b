"""The checks that every new record and every post must pass: may its author write there, and how often?"""

from mailgate.routing import copies
from mailgate.routing import permission as policy
from mailgate.routing.context import Context
from mailgate.routing.decision import Outcome
from mailgate.routing.state import State
from mailgate.values.directory import Alias


def permission(context: Context, proposals: tuple[Outcome, ...]) -> tuple[str, str, tuple[Outcome, ...]]:
    """May this author write there? The policy of the alias that acts, or that governs the record answered.

    The same alias says whether machines and lists, and the answers of outsiders, are taken.
    """
    saw, judged = [], []
    for proposal in proposals:
        if proposal.action not in ("create", "post") or proposal.repeated:
            judged.append(proposal)
            continue
        ruling = context.governing(proposal)
        if context.spam and (ruling is None or ruling.spam == "hold"):
            judged.append(context.outcome("hold", "spam", proposal.address))
            continue
        allowed, why = policy.permits(ruling, proposal.record, context.facts.message, context.state, context.authentic)
        kept = _kept_out(context, ruling, proposal) if allowed else None
        if kept:
            saw.append(f"{proposal.address or proposal.record}: {kept.note}")
            judged.append(kept)
            continue
        saw.append(f"{proposal.address or proposal.record or proposal.model}: {why}")
        if allowed:
            judged.append(proposal)
        else:
            refused = context.outcome("refuse", "policy", proposal.address, note=why)
            judged.append(refused._replace(alias=proposal.alias, parent=proposal.parent))
    return "; ".join(saw), _word(proposals, judged), tuple(judged)


def _kept_out(context: Context, ruling: Alias | None, proposal: Outcome) -> Outcome | None:
    """What becomes of mail that its author may write, but that the alias does not take so; None when it does."""
    if ruling is None:
        return None
    if context.facts.class_.name in ("automatic", "list") and ruling.automatic in ("hold", "refuse"):
        note = (
            f"{context.facts.class_.name} mail ({context.facts.class_.because}), which {ruling.address} does not take"
        )
        if ruling.automatic == "hold":
            return context.outcome("hold", "automatic", proposal.address, note=note)._replace(alias=proposal.alias)
        refused = context.outcome("refuse", "policy", proposal.address, note=note)
        return refused._replace(alias=proposal.alias, by_status=not context.facts.message.envelope.collected)
    outsider = proposal.reason in ("reply", "token") and copies.is_outsider(proposal, context)
    if ruling.replies == "participants" and outsider:
        author = context.facts.message.author.text
        note = f"{author} does not follow {proposal.record}, and used no signed address of their own"
        held = context.outcome("hold", "outsider", proposal.address, note=note)
        return held._replace(alias=proposal.alias, record=proposal.record)
    return None


def rate(context: Context, proposals: tuple[Outcome, ...]) -> tuple[str, str, tuple[Outcome, ...]]:
    """Too many new records from this sender in this model within the window?

    Every record that one message makes is judged alike, so that it does not matter in which order, or in how many
    deliveries, its aliases are served.
    """
    settings = context.state.settings
    saw, judged = [], []
    for proposal in proposals:
        if proposal.action != "create" or proposal.repeated or proposal.model is None:
            judged.append(proposal)
            continue
        key = (proposal.model, policy.rate_key(context.facts.message, proposal.address))
        count, most = context.state.counts.made.get(key, 0), settings.loop_threshold
        if (by_author := context.state.counts.made_by_author.get(key, 0)) >= policy.SHARES * most:
            count, most = by_author, policy.SHARES * most
        saw.append(f"{key[1]} made {count} of {most} {key[0]} in {settings.loop_minutes} min")
        if context.facts.message.envelope.source == "file":
            saw[-1] = "kept mail, out of a file, is not counted"
            judged.append(proposal)
            continue
        if context.state.author.allowed:
            saw[-1] = f"{key[1]} is on the allow-list"
        elif count >= most:
            address = proposal.address or (context.recipient_text if context.recipient else "")
            judged.append(context.outcome("refuse", "rate-limit", address)._replace(alias=proposal.alias))
            continue
        if full := _ceiling(context.state, proposal):
            saw.append(full)
            judged.append(
                context.outcome("defer", "ceiling", proposal.address, note=full)._replace(alias=proposal.alias)
            )
            continue
        judged.append(proposal)
    return "; ".join(saw) or "no new record", _word(proposals, judged), tuple(judged)


def _ceiling(state: State, proposal: Outcome) -> str:
    """Which ceiling a new record would break, `""` when none; such mail waits where it is."""
    settings = state.settings
    made = state.counts.made_by_alias.get(proposal.address, 0)
    if settings.records_per_alias and made >= settings.records_per_alias:
        return f"{proposal.address} made {made} records within the hour, the most it may"
    if settings.records_in_all and state.counts.made_in_all >= settings.records_in_all:
        return f"{state.counts.made_in_all} records were made within the hour, the most there may be"
    return ""


def _word(before: tuple[Outcome, ...], after: list[Outcome]) -> str:
    changed = {new.action for old, new in zip(before, after, strict=True) if new.action != old.action}
    return "pass" if not changed else sorted(changed)[-1]
