"""Tell a fault of the machine, which passes, from a mistake of ours, which comes again with every delivery.

Mail is held as `failed` for a mistake of ours alone. A file that cannot be opened, a module that is missing while an
upgrade runs, a machine without memory: then the message waits where it is.
"""

from mailgate.process import bounds


def is_of_machine(error: BaseException) -> bool:
    """Whether an exception is about the machine or the installation, and not about the message at hand.

    Memory that runs out at our own limit is about the message; KeyError and IndexError are mistakes of ours, and a
    plain LookupError is a codec of the standard library that could not be loaded.
    """
    if isinstance(error, MemoryError):
        return not bounds.has_used_memory()
    return isinstance(error, OSError | ImportError | SyntaxError) or type(error) is LookupError
