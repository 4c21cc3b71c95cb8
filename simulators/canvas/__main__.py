"""`python -m simulators.canvas`: serve the simulated Canvas."""

import os
from datetime import UTC, datetime

from simulators.canvas.app import create_simulator
from simulators.control import CONTROL_KEY_VARIABLE
from simulators.serving import arguments, serve


def main() -> None:
    parser = arguments("A Canvas LMS with a handful of students, as their clients see it.")
    parser.add_argument("--now", type=_moment, help="stand still at this moment (ISO 8601) instead of running")
    parser.add_argument("--students", type=int, default=0, help="further students beside the personas")
    options = parser.parse_args()
    simulator = create_simulator(os.environ.get(CONTROL_KEY_VARIABLE), options.now, options.students)
    # The pure-Python protocol keeps the capitals of header names, which Canvas's servers send.
    serve(simulator, options, http="h11")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
