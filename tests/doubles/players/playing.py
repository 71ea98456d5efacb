"""Playing: a thread that looks at the double's store again after each write to it."""

import threading
from typing import Self

from tests.doubles.kubernetes.server import KubernetesDouble
from tests.doubles.kubernetes.statuses import Failure


class Playing:
    """`with Controllers(double):` and the like; `async with` does the same."""

    manager = "kube-controller-manager"

    def __init__(self, double: KubernetesDouble) -> None:
        self.double, self.store, self.writing = double, double.store, double.writing
        self._woken, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error: BaseException | None = None

    def turn(self) -> None:
        """Brings the world a step nearer to what it shall be. Called until nothing changes."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._deaf = self.store.listen(self._woken.set)
        self._woken.set()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._woken.set()
        self._deaf()
        self._thread.join(10)
        if self.error is not None:
            raise self.error

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def _run(self) -> None:
        try:
            while self._woken.wait() and not self._over.is_set():
                self._woken.clear()
                try:
                    self.turn()
                except Failure:
                    self._woken.set()  # Somebody wrote in between: it is looked at again.
        except Exception as error:  # noqa: BLE001 - told to the test at the end.
            self.error = error
