"""`python parent_death.py PARENT_PID COMMAND...` asks the kernel (Linux) to kill this process
when its parent goes, then becomes the command.

It runs before each process of the stack, so it loads next to nothing: a tenth of a CPU second less
for a stack.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
SIGKILL = 9


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != parent:  # it went before the request was made
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
