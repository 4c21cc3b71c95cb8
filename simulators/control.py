"""The control plane every simulator carries: behaviour, faults and the log of what reached it.

Its routes live on a port of their own and answer only to the shared key in `X-Control-Key`. Without a key the control
plane refuses everybody.
"""

import hmac
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

import httpx
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

CONTROL_HEADER = "X-Control-Key"
CONTROL_KEY_VARIABLE = "SIMULATOR_CONTROL_KEY"
LOG_CAPACITY = 5_000


class Strict(BaseModel):
    """A control message: a misspelt field is refused instead of ignored."""

    model_config = ConfigDict(extra="forbid")


class Fault(Strict):
    """Something that goes wrong, for the next `times` requests it applies to; `times: null` lasts until cleared."""

    times: int | None = 1


Behaviour = TypeVar("Behaviour", bound=BaseModel)
SomeFault = TypeVar("SomeFault", bound=Fault)


@dataclass
class Entry:
    """One request as the simulator saw it. `outcome` is `open` until the answer is complete, fails or is left."""

    sequence: int
    path: str
    received_at: float
    body: Any
    outcome: str = "open"
    detail: dict[str, Any] = field(default_factory=dict)


class RequestLog:
    """The last requests, oldest first. `dropped` counts those that no longer fit, so an absence can be trusted."""

    def __init__(self, capacity: int = LOG_CAPACITY) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._sequence = 0
        self.dropped = 0

    def add(self, path: str, body: Any, received_at: float | None = None) -> Entry:
        """Record a request and return its entry, to be completed by the one who answers it."""
        self._sequence += 1
        self.dropped += len(self._entries) == self._entries.maxlen
        entry = Entry(self._sequence, path, time.time() if received_at is None else received_at, body)
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        self._entries.clear()
        self.dropped = 0

    def dump(self) -> dict[str, Any]:
        return {"dropped": self.dropped, "requests": [asdict(entry) for entry in self._entries]}


class Control(Generic[Behaviour, SomeFault]):
    """What can be set from outside: one behaviour, a queue of faults, one log."""

    def __init__(self, key: str | None, behaviour: Behaviour, fault_type: type[SomeFault]) -> None:
        self._key = key
        self._initial = behaviour
        self.behaviour = behaviour.model_copy(deep=True)
        self._faults_adapter: TypeAdapter[list[SomeFault]] = TypeAdapter(list[fault_type])  # type: ignore[valid-type]
        self.faults: list[SomeFault] = []
        self.log = RequestLog()
        self.on_reset: Callable[[], None] = lambda: None

    def take(self, applies: Callable[[SomeFault], bool] = lambda _: True) -> SomeFault | None:
        """Return the first fault that applies and count it as used once."""
        for fault in self.faults:
            if applies(fault):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    def reset(self) -> None:
        """Return to the behaviour of the start, with no fault and an empty log."""
        self.behaviour = self._initial.model_copy(deep=True)
        self.faults = []
        self.log.clear()
        self.on_reset()

    def _authorise(self, x_control_key: str = Header("")) -> None:
        if self._key is None or not hmac.compare_digest(x_control_key.encode(), self._key.encode()):
            raise HTTPException(403, "The control plane needs its key.")

    def app(self, *more: APIRouter) -> FastAPI:
        """The control plane as an application, with a simulator's own routes in `more`."""
        app = FastAPI(title="Control plane", openapi_url=None, dependencies=[Depends(self._authorise)])
        for router in (self._router(), *more):
            app.include_router(router, prefix="/__control__")
        return app

    def _router(self) -> APIRouter:
        router = APIRouter()

        @router.get("/requests")
        def requests() -> dict[str, Any]:
            return self.log.dump()

        @router.get("/faults")
        def faults() -> list[dict[str, Any]]:
            return [fault.model_dump(mode="json") for fault in self.faults]

        @router.put("/faults")
        def set_faults(faults: list[dict[str, Any]]) -> dict[str, Any]:
            self.faults = _validated(lambda: self._faults_adapter.validate_python(faults))
            return {"faults": len(self.faults)}

        @router.get("/behaviour")
        def behaviour() -> dict[str, Any]:
            return self.behaviour.model_dump(mode="json")

        @router.patch("/behaviour")
        def set_behaviour(changes: dict[str, Any]) -> dict[str, Any]:
            merged = self.behaviour.model_dump() | changes
            self.behaviour = _validated(lambda: type(self._initial).model_validate(merged))
            return self.behaviour.model_dump(mode="json")

        @router.post("/reset")
        def reset() -> dict[str, Any]:
            self.reset()
            return {"reset": True}

        return router


Parsed = TypeVar("Parsed")


def _validated(parse: Callable[[], Parsed]) -> Parsed:
    try:
        return parse()
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from error


class ControlClient:
    """Drives a simulator's control plane from a test or a demo."""

    def __init__(self, base_url: str, key: str) -> None:
        self.url = base_url
        self.headers = {CONTROL_HEADER: key}
        self._http = httpx.Client(base_url=f"{base_url}/__control__", headers=self.headers, timeout=10)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        response = self._http.request(method, path, json=body)
        response.raise_for_status()
        return response.json()

    def read(self, path: str) -> Any:
        """What a simulator's own control route answers, such as `/phone`."""
        return self._call("GET", path)

    def requests(self) -> list[dict[str, Any]]:
        """Every request that reached the simulator since the last reset.

        Raises `OverflowError` when the log no longer holds all of them: what is absent then proves nothing.
        """
        log = self._call("GET", "/requests")
        if log["dropped"]:
            raise OverflowError(f"{log['dropped']} requests no longer fit into the log")
        entries: list[dict[str, Any]] = log["requests"]
        return entries

    def set_faults(self, *faults: dict[str, Any]) -> None:
        """Replace the queue of faults; without arguments, clear it."""
        self._call("PUT", "/faults", list(faults))

    def behave(self, **changes: Any) -> dict[str, Any]:
        """Change the named fields of the behaviour and return all of it."""
        behaviour: dict[str, Any] = self._call("PATCH", "/behaviour", changes)
        return behaviour

    def reset(self) -> None:
        self._call("POST", "/reset")

    def close(self) -> None:
        self._http.close()
