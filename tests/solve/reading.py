"""A written model as another program reads and solves it."""

from pathlib import Path

import highspy


def optimum(path: Path) -> float | None:
    """The least cost of an .lp or .mps file; nothing if it has no solution."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.0)
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    solver.run()
    found = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value) if found else None


def optimum_of(text: str, path: Path) -> float | None:
    """The same of a text, written to this path first."""
    path.write_text(text, encoding="utf-8")
    return optimum(path)
