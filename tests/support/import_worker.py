"""One delivery of an import event, in a process of its own that may be killed:
`import_worker.py JOB_ID`.
"""

import os
import sys

from chalicelib.services import Services

if __name__ == "__main__":
    print(Services().work_on(sys.argv[1], request_id=str(os.getpid()), remaining=lambda: 900.0))
