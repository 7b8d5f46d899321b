"""Variables' values: double buffers, and who may touch which half when.

A function that updates variables reads their live halves and writes the spare ones; when the step is done
it turns its ``Flip`` and the halves swap roles, with no copy. Readers (other functions, ``get_value``) enter
the flip, which tells them the live half; the writer's next step waits until nobody reads the half that it
is about to overwrite. So a reader always sees the values after some whole step.

Locks are taken in this order: the store's, then flips' writer locks, then a flip's condition.
"""

import threading
from collections.abc import Iterable, Sequence

import numpy as np

from onnxseq.compiler.session import Buffer, Device
from onnxseq.compiler.tensor import Variable, numpy_dtype


class Flip:
    """Which half of the double buffers is live, shared by all the variables that one function writes."""

    __slots__ = ("condition", "count", "lock", "parity", "readers")

    def __init__(self) -> None:
        self.lock = threading.Lock()  # held by the writer during a step
        self.condition = threading.Condition(threading.Lock())  # guards the fields below
        self.parity = 0
        self.readers = [0, 0]
        self.count = 0

    def enter(self) -> int:
        """Become a reader of the live half and return which it is."""
        with self.condition:
            self.readers[self.parity] += 1
            return self.parity

    def leave(self, parity: int) -> None:
        with self.condition:
            self.readers[parity] -= 1
            if not self.readers[parity]:
                self.condition.notify_all()

    def await_spare(self) -> None:
        """Wait until nobody reads the half that is not live; new readers go to the live one."""
        if self.readers[1 - self.parity]:
            with self.condition:
                self.condition.wait_for(lambda: not self.readers[1 - self.parity])

    def turn(self) -> None:
        """Make the half just written the live one."""
        with self.condition:
            self.parity = 1 - self.parity
            self.count += 1


class Store:
    """Counts the changes after which a function must look again where its variables are."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changes = 0


STORE = Store()


def read(variable: Variable) -> np.ndarray:
    """Return a copy of a variable's present value."""
    state = variable.state
    while True:
        flip, pair = state.flip, state.pair
        if flip is None or pair is None:
            with STORE.lock:
                if state.pair is None:
                    return np.array(state.array)
                if state.flip is None:
                    return state.pair[0].read()
            continue
        parity = flip.enter()
        try:
            if state.flip is flip and state.pair is pair:
                return pair[parity].read()
        finally:
            flip.leave(parity)


def write(variable: Variable, array: np.ndarray) -> None:
    """Give a variable a new value, of its own dtype and shape; a step that is running ends first."""
    state = variable.state
    fresh = np.array(array, order="C", copy=True)
    with STORE.lock:
        flip = state.flip
        if flip is None:
            state.array, state.pair = fresh, None
        else:
            with flip.lock:
                state.array = fresh
                state.pair = None
        state.version += 1
        STORE.changes += 1


def stamp(variable: Variable) -> tuple[int, int, int]:
    """Return a token that is equal as long as the variable's value has not changed."""
    state = variable.state
    return (state.version, id(state.flip), state.flip.count if state.flip is not None else 0)


def settle(reads: Iterable[Variable], writes: Sequence[Variable], own: Flip | None, device: Device) -> list[Flip]:
    """Bring variables to the device and the written ones under a function's own flip.

    Returns:
        The other flips whose variables the function reads. The store's lock must be held.
    """
    moving = [
        v for v in writes if v.state.flip is not own or v.state.pair is None or v.state.pair[0] is v.state.pair[1]
    ]
    if moving and own is not None:
        involved = {id(f): f for f in (own, *(v.state.flip for v in moving)) if f is not None}
        ordered = [involved[key] for key in sorted(involved)]
        for flip in ordered:
            flip.lock.acquire()
        try:
            for flip in ordered:
                with flip.condition:
                    flip.condition.wait_for(lambda flip=flip: not any(flip.readers))
            for variable in moving:
                live = _live(variable, device)
                if variable.state.flip is None and variable.state.pair is not None:
                    live = device.copy(live.read())  # who reads a variable that nobody wrote is counted nowhere
                spare = device.empty(live.shape, numpy_dtype(variable.element_type))
                variable.state.pair = (live, spare) if own.parity == 0 else (spare, live)
                variable.state.flip = own
            STORE.changes += 1
        finally:
            for flip in reversed(ordered):
                flip.lock.release()
    foreign: dict[int, Flip] = {}
    for variable in reads:
        state = variable.state
        if state.pair is None:
            live = _live(variable, device)
            state.pair = (live, live)
        if state.flip is not None and state.flip is not own:
            foreign[id(state.flip)] = state.flip
    return [foreign[key] for key in sorted(foreign)]


def _live(variable: Variable, device: Device) -> Buffer:
    state = variable.state
    if state.pair is not None:
        return state.pair[state.flip.parity if state.flip is not None else 0]
    return device.copy(np.asarray(state.array))
