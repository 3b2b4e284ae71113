"""Numbers in the paths of routes: of nine digits at most, because Python refuses to convert thousands of them."""

from starlette.convertors import IntegerConvertor, register_url_convertor


class IndexConvertor(IntegerConvertor):
    """A whole number in a path, written `{name:index}` in a route."""

    regex = "[0-9]{1,9}"


def register() -> None:
    """Make the convertor known to Starlette, before routes are made."""
    register_url_convertor("index", IndexConvertor())
