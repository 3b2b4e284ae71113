"""Addresses of rasters: paths, URLs and GDAL's virtual file systems, as GDAL opens them and as people may see them."""

import hashlib
import os
import re
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
"""GDAL's virtual file system for each scheme of URLs; rasterio is left to read the others."""

TOKENS = frozenset({"access_token", "api_key", "apikey", "token"})
"""Parameters of URLs that say who asks, never for what."""

SIGNATURES = frozenset({"sig", "signature", "x-amz-signature", "x-goog-signature"})
"""Parameters that sign a URL."""

SHARED = frozenset({"se", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srt", "ss", "st", "sv"})
"""Parameters of Azure's shared access signatures."""

SIGNED = SIGNATURES | SHARED | {"accesskeyid", "awsaccesskeyid", "expires", "googleaccessid", "key-pair-id", "policy"}
"""Parameters of a signed URL that change with every signature."""

DIGITS = 8
"""Hexadecimals that tell apart URLs whose queries differ, and give nothing of them away."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_VIRTUAL = re.compile(r"/vsi[a-z0-9_]+[/?]")
_SUBDATASET = re.compile(r"[A-Z][A-Z0-9_]+:(?!//)")
_SECRETS = re.compile(r"""([A-Za-z][A-Za-z0-9+.-]*://)(?:[^/\s'"<>]*@)?([^\s?'"<>{}]*)(?:\?[^\s'"<>{}]*)?""")
_OPTIONS = re.compile(r"""(/vsi[a-z0-9_]+)\?[^\s'"<>{}]*""")
_UNSAFE = re.compile(r'[\x00-\x1f/\\:*?"<>|]+')


def is_address(text: str) -> bool:
    """Whether GDAL is to open it as it stands: a URL, a path of a virtual file system, or a raster within a file."""
    return bool(_URL.match(text) or _VIRTUAL.match(text) or _is_subdataset(text))


def local_path(url: str) -> Path | None:
    """The file that a `file:` URL names; None for other addresses."""
    return Path(unquote(urlsplit(url).path)) if url.lower().startswith("file://") else None


def gdal_name(address: str) -> str:
    """What GDAL opens; a URL that a VRT names must be put so, too."""
    scheme, colon, rest = address.partition("://")
    return SYSTEMS[scheme.lower()] + rest if colon and scheme.lower() in SYSTEMS else address


def strip_credentials(text: str) -> str:
    """A text whose URLs lack user, password and query."""
    return _OPTIONS.sub(r"\1", _SECRETS.sub(r"\1\2", text))


def display_address(address: str) -> str:
    """An address without secrets; those that name different files stay different, and a new signature changes nothing.

    Instead of a query there are the first digits of the SHA-256 of its parameters, those of a signature left out.
    """
    options, question, _ = address.partition("?")
    if question and re.fullmatch(r"/vsi[a-z0-9_]+", options):  # as in /vsicurl?max_retry=3&url=https...
        return f"{options}/{display_address(dict(parse_qsl(address[len(options) + 1 :])).get('url', ''))}"
    query = urlencode(_identifying_parameters(parse_qsl(_query(address), keep_blank_values=True)))
    digest = f"?sha256={hashlib.sha256(query.encode()).hexdigest()[:DIGITS]}" if query else ""
    return strip_credentials(address) + digest


def address_stem(address: str) -> str:
    """The last component of an address without query and suffix, or all that names a raster within a file."""
    plain = display_address(address).partition("?")[0].rstrip("/")
    name = safe_filename(unquote(plain.rpartition("/")[2]))
    return name if _is_subdataset(address) else PurePath(name).stem


def safe_filename(name: str) -> str:
    """A name that a file may bear in one folder."""
    return _UNSAFE.sub("_", name).strip(". ") or "scene"


def printable_path(path: PurePath | str) -> str:
    r"""A path as text that can be written anywhere: bytes that are no UTF-8 become \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def resolve_links(path: Path) -> Path:
    """A path with its links followed as far as they lead; unlike `Path.resolve` it is content with loops."""
    return Path(os.path.realpath(path))


def archive_path(address: str) -> tuple[Path, ...]:
    """The local file that a path such as /vsizip/scenes.zip/a.tif lies in, or none."""
    if not _VIRTUAL.match(address):
        return ()
    inner = Path(re.sub(r"^(/vsi[a-z0-9_]+/)+|[{}]", "", address))
    return next(((path,) for path in (inner, *inner.parents) if path.is_file()), ())


def _is_subdataset(text: str) -> bool:
    """Whether it names a raster within a file, as NETCDF:a.nc:red does, and no file is called so."""
    return bool(_SUBDATASET.match(text)) and not os.path.lexists(text)


def _query(address: str) -> str:
    """The queries of the URLs in an address."""
    return "&".join(re.findall(r"""\?([^\s'"<>{}]*)""", address)) if "://" in address else ""


def _identifying_parameters(parameters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that tell which file is meant, sorted."""
    signed = any(name.lower() in SIGNATURES for name, _ in parameters)
    left_out = TOKENS | SIGNED if signed else TOKENS
    kept = [(name, value) for name, value in parameters if name.lower() not in left_out]
    return sorted(each for each in kept if not (signed and each[0].lower().startswith(("x-amz-", "x-goog-"))))
