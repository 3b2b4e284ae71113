import os
from pathlib import Path

import pooch

from latentclust.data.roots import VARIABLE, cache_root, data_roots


def test_named_folders_come_first_then_data_then_the_cache():
    named = os.pathsep.join(("one", "", "two"))
    cache = Path(pooch.os_cache("latentclust"))
    assert data_roots({VARIABLE: named}) == (Path("one"), Path("two"), Path("data"), cache)
    assert data_roots({}) == (Path("data"), cache_root())


def test_the_home_folder_may_be_named():
    assert data_roots({VARIABLE: "~"})[0] == Path.home()
