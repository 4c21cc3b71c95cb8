"""`python -m simulators.llm`: serve the simulated model."""

import os
from pathlib import Path

from simulators.control import CONTROL_KEY_VARIABLE
from simulators.llm.app import Behaviour, create_simulator
from simulators.llm.script import DEFAULT_SCRIPT, load_rules
from simulators.serving import arguments, serve


def main() -> None:
    parser = arguments("A chat server that speaks the OpenAI protocol, without a model.")
    parser.add_argument("--first-token-ms", type=float, default=0)
    parser.add_argument("--per-token-ms", type=float, default=0)
    parser.add_argument("--script", type=Path, default=DEFAULT_SCRIPT, help="YAML file with the rules of its replies")
    parser.add_argument("--gullible", action="store_true", help="obey instructions found anywhere in the context")
    options = parser.parse_args()
    behaviour = Behaviour(
        first_token_ms=options.first_token_ms,
        per_token_ms=options.per_token_ms,
        gullible=options.gullible,
        rules=load_rules(options.script),
    )
    serve(create_simulator(os.environ.get(CONTROL_KEY_VARIABLE), behaviour), options)


if __name__ == "__main__":
    main()
