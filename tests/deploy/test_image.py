"""The image holds what the daemon needs, and what else it holds is said."""

import importlib.metadata
import re

import yaml
from packaging.requirements import Requirement

from tests.deploy.manifests import DEPLOY, ROOT

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def needed_by(name):
    """A distribution and all that it needs without extras."""
    found, ahead = set(), [name]
    while ahead:
        here = plain(ahead.pop())
        if here not in found:
            found.add(here)
            for line in importlib.metadata.requires(here) or ():
                requirement = Requirement(line)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    ahead.append(requirement.name)
    return found


def test_what_is_taken_out_of_the_image_is_what_nobody_needs():
    lock = (DEPLOY / "requirements.lock").read_text()
    locked = {plain(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    unused = re.search(r'^ARG UNUSED="([^"]*)"$', DOCKERFILE, re.MULTILINE)
    assert unused is not None
    assert set(unused[1].split()) == locked - needed_by("tidegate")


def test_the_image_gets_every_folder_that_it_copies():
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{source}" for source in sources} <= set(let_in)
    assert all((ROOT / source).exists() for source in sources)


def test_both_stages_stand_on_a_base_that_can_be_pinned():
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert stages == ["${PYTHON}${PYTHON_DIGEST:+@${PYTHON_DIGEST}}"] * 2


def test_image_and_chart_are_of_the_same_version():
    (version,) = re.findall(r"^ARG VERSION=(.*)$", DOCKERFILE, re.MULTILINE)
    chart = yaml.safe_load((DEPLOY / "chart" / "Chart.yaml").read_text())
    project = importlib.metadata.version("tidegate")
    assert version == chart["appVersion"] == chart["version"] == project


def test_the_user_of_the_image_is_known_by_number():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["65532:65532"]
