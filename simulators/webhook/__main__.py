"""`python -m simulators.webhook`: serve the simulated webhook receiver."""

import os

from simulators.control import CONTROL_KEY_VARIABLE
from simulators.serving import arguments, serve
from simulators.signing import SECRET_VARIABLE
from simulators.webhook.app import create_simulator


def main() -> None:
    options = arguments(f"A webhook receiver; the secret of its signatures is in {SECRET_VARIABLE}.").parse_args()
    serve(create_simulator(os.environ[SECRET_VARIABLE], os.environ.get(CONTROL_KEY_VARIABLE)), options)


if __name__ == "__main__":
    main()
