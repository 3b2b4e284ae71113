"""`latentclust view`: a local page with scenes, label rasters and clusters."""

from typing import Annotated

import typer

from latentclust.cli.predict import Range, Resize, SkipBad
from latentclust.cli.shared_options import Plugins

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN | LABELS | MODEL SCENE... | MODEL IMAGES...",
        help="A run folder, a folder of label rasters, or a model with scenes or images.",
        show_default=False,
    ),
]
Host = Annotated[str, typer.Option(help="Loopback address to listen on.")]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free one.", show_default=False)
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Print the address and open no browser.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Change nothing: naming and applying are switched off.")]
BaseMap = Annotated[
    bool, typer.Option("--base-map", help="Let the page offer a base map, whose tiles come from OpenStreetMap.")
]
Untrusted = Annotated[
    bool, typer.Option("--untrusted", help="Refuse scenes in formats that can read other files, such as VRT and HDF5.")
]


def view(  # noqa: PLR0913, PLR0917 (options)
    targets: Targets,
    host: Host = "127.0.0.1",
    port: Port = 0,
    no_open: NoOpen = False,
    read_only: ReadOnly = False,
    base_map: BaseMap = False,
    untrusted: Untrusted = False,
    resize: Resize = False,
    range_: Range = None,
    skip_bad: SkipBad = False,
    plugins: Plugins = None,
) -> None:
    """Show scenes, label rasters and clusters in the browser.

    Only this computer can open the page, and only at the address that is printed, which contains a
    secret. Ctrl-C ends the server.

    Examples:
        latentclust view labels
        latentclust view runs/digits/20260101-120000-0
        latentclust view runs/park scene.tif --read-only
        latentclust view runs/digits photos/ --resize
    """
    from dataclasses import replace

    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import stderr_console, stdout_console
    from latentclust.labelling.outputs.extras import check_extra

    check_extra("view", "latentclust view")
    # The libraries and the model take seconds to load.
    with show_phases("opening") as phases:
        from latentclust.viewer.app import make_app
        from latentclust.viewer.open_session import ImageOptions, open_session
        from latentclust.viewer.serve import bind, open_browser, serve, url_of

        listener = bind(host, port)
        try:
            images = ImageOptions(resize, skip_bad, range_)
            session = replace(open_session(targets, untrusted, images, phases, base_map), read_only=read_only)
        except BaseException:
            listener.close()
            raise
    with listener:
        url = url_of(listener, session.token)
        for note in session.notes:
            stderr_console().print(f"warning: {note}", soft_wrap=True, markup=False, highlight=False)

        def ready() -> None:
            stdout_console().print(f"{url}\nCtrl-C ends the viewer.", soft_wrap=True, markup=False, highlight=False)
            if not no_open:
                open_browser(url)

        serve(make_app(session, listener.getsockname()[0]), listener, ready)
