"""The scan that finds whether any distribution on the path has entry points of a group."""

from latentclust.cli.entry_point_scan import has_entry_points


def test_whether_a_group_is_mentioned(distribution, monkeypatch, tmp_path):
    group = "latentclust.commands.of.this.test"
    assert not has_entry_points(group)
    info = distribution("clust-a", points=f"[{group}]\nhello = clust_a\n")
    assert has_entry_points(group)
    (info / "entry_points.txt").unlink()
    monkeypatch.syspath_prepend(tmp_path / "absent")
    assert not has_entry_points(group)
    (tmp_path / "some.zip").touch()
    monkeypatch.syspath_prepend(tmp_path / "some.zip")
    assert has_entry_points(group)
