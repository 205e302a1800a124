"""Keeps a server for as long as somebody uses it: `keeper.py DIRECTORY COMMAND...` returns when it
is ready.

Each user holds a shared lock on DIRECTORY/users, which the kernel takes back however the user ends.
With the last one gone the keeper has the lock for itself, and ends the server. A keeper that is
killed takes the server along.
"""

import fcntl
import os
import re
import sys
import time
from pathlib import Path

from local.aws import child

START_SECONDS = 60.0


def main(directory: Path, command: list[str]) -> int:
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        return 0 if os.read(ready, 1) else 1
    os.setsid()
    keep(directory, command, tell)
    return 0


def keep(directory: Path, command: list[str], tell: int) -> None:
    log, address = directory / "log", directory / "address"
    with log.open("wb") as output:
        server = child.start(
            command, environment=os.environ, cwd=directory / "app", stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (told := re.search(r"^ready (\S+)$", log.read_text(), re.MULTILINE)):
            if server.poll() is not None or time.monotonic() > deadline:
                return
            time.sleep(0.02)
        address.write_text(told[1])
        os.write(tell, b"1")
        with (directory / "users").open("a") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            address.unlink()
            child.kill(server)
            server.wait()  # before the lock is given back: whoever comes next starts another one
    finally:
        child.kill(server)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
