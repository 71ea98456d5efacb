"""The command: `python -m tests.bench [--only NAME] [--input PATH ...] [--json PATH]`."""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from scheduler.runtime.logs import configure
from tests.bench.alone import EXAMPLE
from tests.bench.ca_binpack import ca_binpack
from tests.bench.figures import Asked, Figure, as_json, as_table
from tests.bench.gpu_packing import gpu_packing
from tests.bench.inferno import inferno
from tests.bench.kubernetes_reaction import kubernetes_reaction
from tests.bench.kubernetes_sight import kubernetes_sight
from tests.bench.melange import melange
from tests.bench.placement_scale import placement_scale
from tests.bench.plans import plan_20x10, plan_100x60, traffic_100x60
from tests.bench.processes import daemon_memory, day_speed, plan_process
from tests.bench.tick_5k import tick_5k
from tests.bench.ticks import tick_without_solver

BENCHES: Mapping[str, Callable[[Asked], Iterator[Figure]]] = {
    bench.__name__: bench
    for bench in (
        plan_100x60,
        plan_20x10,
        traffic_100x60,
        gpu_packing,
        ca_binpack,
        inferno,
        melange,
        placement_scale,
        tick_5k,
        tick_without_solver,
        kubernetes_sight,
        kubernetes_reaction,
        plan_process,
        daemon_memory,
        day_speed,
    )
}


def main(arguments: Sequence[str]) -> int:
    """Measure and tell. A bound that is missed is told, not failed; a crash ends with 1."""
    chosen = _parser().parse_args(arguments)
    configure(sys.stderr, {"LOG_LEVEL": "WARNING"})
    inputs = tuple(chosen.input)
    asked = Asked(example=inputs[0] if inputs else EXAMPLE, seed=chosen.seed, inputs=inputs)
    figures: list[Figure] = []
    crashed = False
    for name in chosen.only or BENCHES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            figures += BENCHES[name](asked)
        except Exception:  # noqa: BLE001 - the edge: one bench that breaks must not hide the others
            traceback.print_exc()
            crashed = True
    print(as_table(figures))
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(as_json(figures) + "\n", encoding="utf-8")
    return int(crashed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(BENCHES), help="this bench; may be given again"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures here, too")
    parser.add_argument(
        "--input",
        type=Path,
        nargs="+",
        metavar="PATH",
        default=[],
        help="files of the chosen bench's own format, or documents for the process benches",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the drawn worlds (default: 1)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
