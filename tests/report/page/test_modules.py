"""Modules that import each other become one."""

import re
from collections import Counter
from importlib.resources import files

import pytest

from latentclust.report.page.modules import join_modules


def join(files: dict[str, str], *names: str) -> str:
    return join_modules(names, files.__getitem__)


def test_an_import_comes_once_and_before_what_reads_it() -> None:
    files = {
        "a.js": 'import { twice } from "./c.js";\nconst a = twice(1);',
        "b.js": 'import { twice, half } from "./c.js";\nexport class B {}\nconst b = half(twice(1));',
        "c.js": "export function twice(x) {\n  return 2 * x;\n}\nexport const half = (x) => x / 2;",
    }
    joined = join(files, "a.js", "b.js")
    assert joined.count("function twice") == 1
    assert joined.index("function twice") < joined.index("const a") < joined.index("class B")
    assert "import" not in joined
    assert "export" not in joined


@pytest.mark.parametrize("line", ['import x from "./c.js";', 'import "./c.js";', "export default 1;", "export { a };"])
def test_other_forms_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"a\.js has an import or export of another form"):
        join({"a.js": f"{line}\n", "c.js": ""}, "a.js")


def test_a_cycle_is_refused() -> None:
    files = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    with pytest.raises(ValueError, match=r"a\.js imports itself by way of a\.js and b\.js"):
        join(files, "a.js")


def test_top_level_names_are_unique_over_all_scripts() -> None:
    folder = files("latentclust.report.page") / "scripts"
    scripts = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    joined = join(scripts, *scripts)
    names = re.findall(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", joined, re.MULTILINE)
    assert [name for name, count in Counter(names).items() if count > 1] == []
