"""Waits for a run to end, however it ends, and then ends the processes that it left behind.

Started by a run with a pipe from it; the pipe closes when the run is gone, killed or not.
"""

import sys
from pathlib import Path

from mmrec.study.supervision import end_marked

if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_marked(Path(sys.argv[1]), sys.argv[2])
