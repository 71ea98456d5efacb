"""The daemon as a process: started, listened to, asked and ended."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

PROGRAM = Path(sys.executable).with_name("tidegate")
PATIENCE_S = 40.0


@dataclass(kw_only=True)
class Running:
    """A `tidegate run` whose log is read line by line."""

    process: subprocess.Popen[str]
    log: IO[str]
    url: str = ""

    def told(self, event: str) -> Mapping[str, Any]:
        """The next log line of that event; waits for it. Fails when the process ends first."""
        for line in self.log:
            entry: Mapping[str, Any] = json.loads(line)
            if entry["event"] == event:
                return entry
        raise AssertionError(f"the daemon ended without {event}")

    def ask(self, page: str) -> httpx.Response:
        """One of its pages."""
        return httpx.get(f"{self.url}{page}", timeout=10.0)

    def ended(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code after the signal."""
        self.process.send_signal(number)
        self.log.read()
        return self.process.wait(timeout=PATIENCE_S)


@contextmanager
def running(folder: Path, *options: str, patience_s: float = PATIENCE_S) -> Iterator[Running]:
    """The daemon on the folder's documents, on a port that the system chose."""
    command = [str(PROGRAM), "run", "-f", str(folder), "--port", "0", *options]
    env = {**os.environ, "LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env
    )
    assert process.stderr is not None
    # A daemon that hangs fails its test instead of hanging the suite.
    patience = threading.Timer(patience_s, process.kill)
    patience.start()
    try:
        started = Running(process=process, log=process.stderr)
        started.url = f"http://127.0.0.1:{started.told('http.listening')['port']}"
        yield started
    finally:
        patience.cancel()
        process.kill()
        process.wait()
        process.stderr.close()
