"""Leaves the grammars of addresses out, which cost the start of a command a second or two.

Reading and writing notebooks imports `jsonschema`, and that imports `rfc3987_syntax` where it is
installed, to check addresses in any language. The import compiles some forty grammars, and no
notebook has a field of that kind.
"""

import sys


def leave_out() -> None:
    """Has `jsonschema`, not yet imported, leave that check out in this process."""
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
