"""`make chaos`: runs the storm and prints its figures; ends with 1 when anything that has to be zero is not."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.chaos.storm import CONVERSATIONS, run_storm
from tests.chaos.world import open_world


def main() -> int:
    """Run it with as many conversations as the first argument says."""
    conversations = int(sys.argv[1]) if len(sys.argv) > 1 else CONVERSATIONS
    with tempfile.TemporaryDirectory(prefix="companion-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with open_world(Path(folder)) as world:
            storm = run_storm(world, conversations)
    sys.stdout.write(storm.figures() + "\n")
    for name, count in storm.verdict.faults.items():
        sys.stderr.write(f"NOT ZERO: {name.replace('_', ' ')} = {count}\n")
    return 1 if storm.verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
