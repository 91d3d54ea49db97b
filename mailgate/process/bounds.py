"""What one delivery may use of the machine."""

import resource

MEMORY = 512 << 20
"""Octets of address space beside what a message of the largest size needs."""


def take(max_size: int, seconds: int) -> None:
    """Bound this process: address space for messages of `max_size` octets, processor time in seconds, no core dump."""
    wanted = {resource.RLIMIT_AS: MEMORY + 6 * max_size, resource.RLIMIT_CPU: seconds, resource.RLIMIT_CORE: 0}
    for kind, bound in wanted.items():
        most = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (bound if most == resource.RLIM_INFINITY else min(bound, most), most))


def lift() -> None:
    """Take the bounds off again, for a process that is started from here."""
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU):
        most = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most, most))


def no_core() -> None:
    """Leave no core dump of this process: it holds a secret."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
