"""Peak resident memory of processes, in MiB."""

from __future__ import annotations

import sys
from pathlib import Path

_UNITS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10  # of ru_maxrss: bytes there, KiB elsewhere


def peak_so_far(pid: int) -> float:
    """The peak of a running process; 0 where the system does not tell."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        pass
    return 0.0


def own_peak() -> float:
    """The peak of this process."""
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _UNITS_PER_MIB


def peak_of_child(reported: int, sampled: float, parent: float) -> float:
    """The peak of a child that has ended.

    The kernel's figure starts at the peak of the process that started the child. Where it is not above that,
    the child used less, and only the samples tell how much.

    Args:
        reported: `ru_maxrss` as `os.wait4` gives it.
        sampled: The highest figure of `peak_so_far` while it ran; 0 if there was none.
        parent: The peak of its parent when the child was started.
    """
    peak = float(reported / _UNITS_PER_MIB)
    return peak if peak > parent or not sampled else sampled
