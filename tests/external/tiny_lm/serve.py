"""Builds a throwaway environment, trains the tiny model in it and serves it with `transformers serve`.

`python serve.py FOLDER [--port 8801]`. What is already in FOLDER is kept, so the second start takes seconds.
Needs nothing but Python; stops with Ctrl-C.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("torch==2.13.0", "transformers[serving]==5.23.0")


def build_environment(folder: Path) -> Path:
    """Return the folder of an environment's commands, installing it first if it is not there whole."""
    commands = folder / "bin"
    complete = folder / "complete"
    if not complete.exists():
        sys.stderr.write(f"Installing {', '.join(PACKAGES)} into {folder}\n")
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([commands / "pip", "install", "--quiet", *PACKAGES], check=True)
        complete.touch()
    return commands


def train(commands: Path, model: Path) -> None:
    """Train the model unless it is there."""
    if not (model / "tokenizer.json").exists():
        subprocess.run([commands / "python", HERE / "train.py", HERE / "dialogues.json", model], check=True)


def serve(commands: Path, folder: Path, port: int) -> None:
    """Become the server. Its name for the model is `./model`, relative to `folder`."""
    os.chdir(folder)
    os.environ["HF_HUB_OFFLINE"] = "1"
    command = [commands / "transformers", "serve", "./model", "--host", "127.0.0.1", "--port", str(port)]
    os.execv(command[0], [*map(str, command), "--device", "cpu", "--dtype", "float32"])  # noqa: S606 - no shell wanted


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a tiny chat model by a server that is not ours.")
    parser.add_argument("folder", type=Path, help="where the environment and the model go, outside the repository")
    parser.add_argument("--port", type=int, default=8801)
    options = parser.parse_args()
    folder = options.folder.resolve()
    if folder.is_relative_to(HERE.parents[2]):
        sys.exit("Choose a folder outside the repository.")
    folder.mkdir(parents=True, exist_ok=True)
    commands = build_environment(folder / "env")
    train(commands, folder / "model")
    serve(commands, folder, options.port)


if __name__ == "__main__":
    main()
