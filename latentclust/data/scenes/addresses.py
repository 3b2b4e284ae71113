"""Addresses of rasters: paths, URLs and virtual paths, as GDAL opens them and without secrets for display."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

SYSTEMS = {
    "ftp": "/vsicurl/ftp://",
    "http": "/vsicurl/http://",
    "https": "/vsicurl/https://",
    "s3": "/vsis3/",
    "gs": "/vsigs/",
    "az": "/vsiaz/",
    "oss": "/vsioss/",
    "swift": "/vsiswift/",
}
"""Prefix of GDAL's virtual file system for each URL scheme. rasterio handles other schemes."""

TOKENS = frozenset({"access_token", "api_key", "apikey", "token"})
"""URL parameters that identify the user and not the file."""

SIGNATURES = frozenset({"sig", "signature", "x-amz-signature", "x-goog-signature"})
"""URL parameters that contain a signature."""

SHARED = frozenset({"se", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srt", "ss", "st", "sv"})
"""Parameters of Azure shared access signatures."""

SIGNED = SIGNATURES | SHARED | {"accesskeyid", "awsaccesskeyid", "expires", "googleaccessid", "key-pair-id", "policy"}
"""Parameters of a signed URL that change with every signature."""

DIGITS = 8
"""Number of hexadecimal digits that distinguish URLs with different queries without revealing them."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_VIRTUAL = re.compile(r"/vsi[a-z0-9_]+[/?]")
_SUBDATASET = re.compile(r"(?:[A-Z][A-Z0-9_]+|netcdf|hdf5|zarr):(?!//)")  # lower case as rasterio writes it
_IN_HDF5 = re.compile(r'(.+\.\w+"?)://(.+)')
_SECRETS = re.compile(r"""([A-Za-z][A-Za-z0-9+.-]*://)(?:[^/\s'"<>]*@)?([^\s?'"<>{}]*)(?:\?[^\s'"<>{}]*)?""")
_OPTIONS = re.compile(r"""(/vsi[a-z0-9_]+)\?[^\s'"<>{}]*""")

LONGEST_NAME = 200
"""Maximum length of a scene's part of a file name in bytes; file systems accept 255, with endings of the outputs."""

_RESERVED = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d")

_UNSAFE = re.compile(r"""[\x00-\x1f\x7f/\\:;*?"'<>|]+""")


def is_address(text: str) -> bool:
    """Return whether GDAL opens a text unchanged: a URL, a virtual path, or a raster within a file."""
    return bool(_URL.match(text) or _VIRTUAL.match(text) or _is_subdataset(text))


def local_path(url: str) -> Path | None:
    """Return the file that a `file:` URL names, or None for other addresses."""
    return Path(unquote(urlsplit(url).path)) if url.lower().startswith("file://") else None


def gdal_name(address: str) -> str:
    """Return the name by which GDAL opens an address. URLs in a VRT need this form, too."""
    scheme, colon, rest = address.partition("://")
    return SYSTEMS[scheme.lower()] + rest if colon and scheme.lower() in SYSTEMS else address


def strip_credentials(text: str) -> str:
    """Return a text whose URLs contain no user, password and query."""
    return _OPTIONS.sub(r"\1", _SECRETS.sub(r"\1\2", text))


def display_address(address: str) -> str:
    """Return an address without secrets. Addresses of different files differ, and a new signature changes nothing.

    The first digits of the SHA-256 of the parameters, without those of a signature, replace the query.
    """
    options, question, _ = address.partition("?")
    if question and re.fullmatch(r"/vsi[a-z0-9_]+", options):  # as in /vsicurl?max_retry=3&url=https...
        return f"{options}/{display_address(dict(parse_qsl(address[len(options) + 1 :])).get('url', ''))}"
    query = urlencode(_identifying_parameters(parse_qsl(_query(address), keep_blank_values=True)))
    digest = f"?sha256={hashlib.sha256(query.encode()).hexdigest()[:DIGITS]}" if query else ""
    return strip_credentials(address) + digest


def address_stem(address: str) -> str:
    """Return the last component of an address without query and suffix, or the full name of a raster within a file."""
    plain = display_address(address).partition("?")[0].rstrip("/")
    if not _is_subdataset(address):
        return PurePath(safe_filename(unquote(plain.rpartition("/")[2]))).stem
    file, inner = match.groups() if (match := _IN_HDF5.fullmatch(plain)) else (plain, "")
    return safe_filename(unquote(file.rpartition("/")[2] + (f":{inner}" if inner else "")))


def safe_filename(name: str) -> str:
    """Return a file name that every driver and file system reads as it is.

    Characters that GDAL, shells or Windows interpret become `_`, Windows' reserved names get one in front, and a name
    that leaves too little room for endings is cut and ends in the first digits of its SHA-256.
    """
    safe = _UNSAFE.sub("_", name).rstrip(". ").lstrip(" ") or "scene"
    if _RESERVED.fullmatch(safe.partition(".")[0]):
        safe = f"_{safe}"
    if len(safe.encode()) <= LONGEST_NAME:
        return safe
    digest = hashlib.sha256(safe.encode()).hexdigest()[:DIGITS]
    return f"{safe.encode()[: LONGEST_NAME - DIGITS - 1].decode(errors='ignore')}-{digest}"


def safe_path(path: PurePath | str) -> PurePath:
    """Return a relative path whose parts are all safe file names."""
    return PurePath(*(safe_filename(part) for part in PurePath(path).parts))


def printable_path(path: PurePath | str) -> str:
    r"""Return a path as text that can be written anywhere. Bytes that are not UTF-8 become \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def resolve_links(path: Path) -> Path:
    """Return a path with its links resolved as far as possible. Unlike `Path.resolve` it accepts loops."""
    return Path(os.path.realpath(path))


def exists(path: Path | str) -> bool:
    """Return whether a path exists; False on errors, such as too long a name, for which `Path.exists` would raise."""
    return os.path.exists(path)  # noqa: PTH110


def local_files(address: str) -> tuple[Path, ...]:
    """Return the local file that contains a virtual path or a raster within a file, or nothing.

    Such addresses are /vsizip/scenes.zip/a.tif and NETCDF:a.nc:red.
    """
    if _is_subdataset(address):
        return next((local_files(part) or (Path(part),) for part in _parts(address) if _is_local(part)), ())
    if not _VIRTUAL.match(address):
        return ()
    inner = Path(re.sub(r"^(/vsi[a-z0-9_]+/)+|[{}]", "", address))
    return next(((path,) for path in (inner, *inner.parents) if os.path.isfile(path)), ())  # noqa: PTH113 (never raises)


def _parts(address: str) -> Iterator[str]:
    """Yield what may be the path in the address of a raster within a file, longest first, without quotes."""
    words = address.split(":")[1:]
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            yield ":".join(words[start : start + length]).strip('"')


def _is_local(part: str) -> bool:
    return bool(part) and (bool(local_files(part)) or exists(part))


def _is_subdataset(text: str) -> bool:
    """Return whether a text names a raster within a file, such as NETCDF:a.nc:red, and not an existing file."""
    return bool(_SUBDATASET.match(text)) and not os.path.lexists(text)


def _query(address: str) -> str:
    """Return the queries of the URLs in an address."""
    return "&".join(re.findall(r"""\?([^\s'"<>{}]*)""", address)) if "://" in address else ""


def _identifying_parameters(parameters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters that identify the file, sorted."""
    signed = any(name.lower() in SIGNATURES for name, _ in parameters)
    left_out = TOKENS | SIGNED if signed else TOKENS
    kept = [(name, value) for name, value in parameters if name.lower() not in left_out]
    return sorted(each for each in kept if not (signed and each[0].lower().startswith(("x-amz-", "x-goog-"))))
