"""What a process costs, its children included:
wall and CPU seconds, memory, and whether it came to its end.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

SAMPLE_SECONDS = 0.02
PROC = Path("/proc")


@dataclass
class Memory:
    """Resident MB of a process and its descendants, looked at every SAMPLE_SECONDS (on Linux
    alone).

    An import merges from the moment its working copy of the database lies in `scratch`, to its end,
    which removes that copy; before that it fetches.
    """

    pid: int
    scratch: Path
    peaks: dict[str, int] = field(default_factory=dict)
    peak: int = 0
    is_merging: bool = False

    def look(self) -> None:
        self.is_merging = self.is_merging or any(self.scratch.glob("import-*/wells.duckdb"))
        phase = "merging_mb" if self.is_merging else "fetching_mb"
        resident = [_resident_mb(pid) for pid in _family(self.pid)]
        now = sum(mb for mb, _ in resident)
        self.peaks[phase] = max(self.peaks.get(phase, 0), now)
        self.peak = max(self.peak, now, *(most for _, most in resident))


def run(
    command: list[str], *, environment: dict[str, str], work: Path, limit: float
) -> dict[str, Any]:
    """Seconds and MB of the command, and `failure`: None, or one line that tells why its result
    does not count.

    CPU and memory are those of the whole process from its start, of an interpreter's imports too.
    """
    log = work / "contender.log"
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    memory = Memory(process.pid, work / "scratch")
    late = False
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        memory.look()
        if not late and time.perf_counter() - started > limit:
            late = True
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(SAMPLE_SECONDS)
    _, status, usage = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "wall": round(time.perf_counter() - started, 2),
        "cpu": round(usage.ru_utime + usage.ru_stime, 2),
        # Not ru_maxrss: it counts what this process had when it started the other.
        "peak_mb": memory.peak,
        **memory.peaks,
        "failure": _failure(process.returncode, log, late=late, limit=limit),
    }


def facts_of(*packages: str) -> dict[str, Any]:
    """When and where a run is made, under what load, and with which versions."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "load": os.getloadavg()[0],
        "versions": {
            "Python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }


def last_line(log: Path) -> str:
    return last_line_of(log.read_text("utf-8", "replace"))


def last_line_of(text: str) -> str:
    text = re.sub(r"\x1b\[[\d;]*m", "", text)  # without colours
    return (text.strip().splitlines() or [""])[-1]


def _failure(code: int, log: Path, *, late: bool, limit: float) -> str | None:
    if late:
        return f"not done in {limit:,.0f} s"
    if code:
        return f"failed: {last_line(log)[:160]}"
    return None


def _family(pid: int) -> list[int]:
    """The process and its descendants, those that are still there."""
    try:
        lists = [path.read_text() for path in (PROC / str(pid) / "task").glob("*/children")]
    except OSError:
        lists = []
    return [pid, *(one for text in lists for child in text.split() for one in _family(int(child)))]


def _resident_mb(pid: int) -> tuple[int, int]:
    """Now, and at most since the program began."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0, 0
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
    return int(found.get("VmRSS", 0)) >> 10, int(found.get("VmHWM", 0)) >> 10
