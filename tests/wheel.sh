#!/usr/bin/env bash
# The test suite against the built wheel, in an environment of its own and away from the sources.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
bin=${BIN:-.venv/bin}
lock=${DEV_LOCK:-deploy/requirements-dev.lock}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$bin/python" -m build --wheel --no-isolation --outdir "$work/dist" . >"$work/build.log" ||
  { cat "$work/build.log" >&2; exit 1; }

"$python" -m venv "$work/venv"
pip=("$work/venv/bin/python" -m pip --disable-pip-version-check -q)
"${pip[@]}" install --require-hashes -r "$lock"
"${pip[@]}" install --no-deps "$work"/dist/*.whl

# All but the packages: what the tests import can only be the wheel's.
mkdir "$work/checkout"
for part in tests examples docs deploy README.md CHANGELOG.md LICENSE Makefile pyproject.toml; do
  if [ -e "$part" ]; then cp -R "$part" "$work/checkout/"; fi
done
if [ -d ../shared/data ]; then
  mkdir "$work/shared"
  ln -s "$(cd ../shared/data && pwd)" "$work/shared/data"
fi

cd "$work/checkout"
"$work/venv/bin/python" - <<'PYTHON'
import adapters, policies, scheduler
for package in (adapters, policies, scheduler):
    assert "site-packages" in package.__file__, f"not the wheel's: {package.__file__}"
PYTHON
# tests/docs is about the checkout itself, which is not here.
"$work/venv/bin/python" -m pytest --ignore=tests/docs "$@"
