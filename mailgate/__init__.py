"""mailgate: a mail gateway for the command line, and this Python API.

How a message travels: a way in (`inbound/`) hands it over, `mail/` turns it into facts, `gateway/` takes a snapshot of
the store, `routing/` decides, `store/` writes down, one commit answers the mail server, and `outbound/` sends.

The API asks the same gateway as the commands do. What `__all__` names, and the fields that `mailgate help api` lists,
stay within a major version; everything else is internal and may change at any time.

>>> import mailgate, pathlib
>>> config = mailgate.load_config("mailgate.toml")
>>> store = mailgate.open_store(config)
>>> raw = pathlib.Path("message.eml").read_bytes()
>>> incoming = mailgate.Incoming(raw=raw, reverse_path="bob@client.org", recipients=["support@example.com"])
>>> for outcome in mailgate.preview(store, config, incoming).decision.outcomes:
...     print(outcome.action, outcome.reason, outcome.address, outcome.model)
create alias support@example.com ticket
>>> receipt = mailgate.receive(store, config, incoming)
>>> receipt.number, receipt.queued
(1, False)
>>> store.close()
"""

__version__ = "0.1.0"
__all__ = [
    "Config",
    "Decision",
    "Fallback",
    "Incoming",
    "Outcome",
    "Problem",
    "Receipt",
    "Step",
    "Store",
    "__version__",
    "load_config",
    "open_store",
    "preview",
    "receive",
]

TYPE_CHECKING = False  # the name that type checkers know; importing `typing` would cost more than all of this
if TYPE_CHECKING:
    from mailgate.gateway.api import load_config, open_store, preview, receive
    from mailgate.gateway.receive import Receipt
    from mailgate.mail.incoming import Fallback, Incoming
    from mailgate.routing.decision import Decision, Outcome, Step
    from mailgate.settings.config import Config
    from mailgate.store.database import Store
    from mailgate.values.problem import Problem

_HOMES = {
    "Config": "settings.config",
    "Decision": "routing.decision",
    "Fallback": "mail.incoming",
    "Incoming": "mail.incoming",
    "Outcome": "routing.decision",
    "Problem": "values.problem",
    "Receipt": "gateway.receive",
    "Step": "routing.decision",
    "Store": "store.database",
    "load_config": "gateway.api",
    "open_store": "gateway.api",
    "preview": "gateway.api",
    "receive": "gateway.api",
}
"""Public name -> the module that defines it, imported when the name is used: `deliver` must not pay for it."""


if not TYPE_CHECKING:  # a type checker would take it as leave for any name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        globals()[name] = value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
