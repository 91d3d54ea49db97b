"""A decision with what it was made of: what is written down and sent needs all three."""

from mailgate.routing.decision import Decision
from mailgate.routing.facts import Facts
from mailgate.routing.state import State
from mailgate.values.light import NamedTuple


class Judgement(NamedTuple):
    """One judged message; the facts have the recipient that the store knows."""

    facts: Facts
    state: State
    decision: Decision
