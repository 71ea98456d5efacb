"""Commands about documents: check, schema, completion."""

import json
import sys
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from scheduler.cli.common import ERROR, colour, crds_at, crds_options, files_option, loaded_at


@click.command()
@files_option()
@crds_options()
def check(paths: tuple[Path, ...], crds: str | None, crds_namespace: str | None) -> None:
    """Report all faults of the documents at once, each with its place.

    Exit code 0 without faults, 1 with any.
    """
    from scheduler.render.faults_text import render_faults

    loaded = loaded_at(paths, crds_at(crds, crds_namespace))
    if loaded.declared is None:
        click.echo(render_faults(loaded.faults, colour=colour(sys.stdout)))
        raise SystemExit(ERROR)
    fleet = loaded.declared.fleet
    places = [*map(str, paths), *([f"the custom resources of {crds}"] if crds else [])]
    where = ", ".join(places) or "the embedded example (no -f was given)"
    click.echo(
        f"no faults in {where}: clusters {len(fleet.clusters)}, pools {len(fleet.pools)}, "
        f"services {len(fleet.services)}, jobs {len(fleet.jobs)}; "
        f"policies {', '.join(str(use.use) for use in loaded.declared.policy_uses)}"
    )


@click.command()
@click.option(
    "--crd",
    is_flag=True,
    help="Print CustomResourceDefinitions instead, for documents that are objects of a cluster.",
)
def schema(crd: bool) -> None:
    """Print the JSON Schema of all documents, for editors.

    For example: `tidegate schema > tidegate.json`, then in a YAML file
    `# yaml-language-server: $schema=tidegate.json`.
    """
    from scheduler.app.tables import document_schema

    if crd:
        from scheduler.config.crd import crd_texts

        click.echo("---\n".join(crd_texts().values()), nl=False)
        return
    click.echo(json.dumps(document_schema(), indent=2))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: `source <(tidegate completion bash)`."""
    from scheduler.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"no completion for {shell}")
    click.echo(kind(cli, {}, "tidegate", "_TIDEGATE_COMPLETE").source())
