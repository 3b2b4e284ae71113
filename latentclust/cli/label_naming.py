"""`latentclust clusters name --from`: names of clusters from few labels."""

from pathlib import Path


def name_from_file(  # noqa: PLR0913, PLR0917 (options of the command)
    model: Path,
    labels: Path,
    field: str | None,
    path_field: str | None,
    images: list[Path],
    scenes: list[str],
    one_to_one: bool,
    dry_run: bool,
    device: str,
    seed: int,
    json: bool,
) -> None:
    """Name clusters from a file of labels, and print what they are."""
    from latentclust.cards import rich_part
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, print_json, stdout_console

    with show_phases("reading the labels") as phases:
        from latentclust.few_labels.label_naming import counted, naming_notes, naming_table
        from latentclust.few_labels.name_from_labels import name_from_labels

        found = name_from_labels(
            model,
            labels,
            field=field,
            path_field=path_field,
            images=images,
            scenes=scenes,
            one_to_one=one_to_one,
            dry_run=dry_run,
            device=device,
            seed=seed,
            phases=phases,
        )
    if json:
        print_json(found.as_json())
        return
    console = stdout_console()
    for part in (naming_table(found), *naming_notes(found)):
        console.print(rich_part(part), soft_wrap=isinstance(part, str))
    written = f"wrote {counted(len(found.given), 'name')} to {display_path(found.model)}"
    nothing = "no cluster gets a name; nothing was written" if not found.given else "nothing was written (--dry-run)"
    console.print(written if found.written else nothing, soft_wrap=True)
