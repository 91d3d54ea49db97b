"""Limit the memory and the processor time of a process."""

import resource

MEMORY = 512 << 20
"""Octets of address space, in addition to those for a message of the largest size."""


def take(max_size: int, seconds: int) -> None:
    """Limit this process: memory for messages of `max_size` octets, `seconds` of processor time, and no core dump."""
    bounds = {resource.RLIMIT_AS: MEMORY + 6 * max_size, resource.RLIMIT_CPU: seconds, resource.RLIMIT_CORE: 0}
    for limit, bound in bounds.items():
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))


def has_used_memory() -> bool:
    """Whether this process has used most of the memory that `take` allows it, and not less by a limit of others."""
    bound = resource.getrlimit(resource.RLIMIT_AS)[0]
    if bound == resource.RLIM_INFINITY or bound < MEMORY:
        return False
    try:
        with open("/proc/self/status", "rb") as file:
            peak = next(int(line.split()[1]) << 10 for line in file if line.startswith(b"VmPeak:"))
    except (OSError, StopIteration, MemoryError):
        return False
    return peak > bound // 2


def lift() -> None:
    """Remove the limits again, for a process that is started from here."""
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (hard, hard))


def file_size() -> int | None:
    """Octets that a file written by this process may have; None where nobody limits that."""
    bound = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if bound == resource.RLIM_INFINITY else bound


def no_core() -> None:
    """Prevent a core dump of this process, which holds a secret."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
