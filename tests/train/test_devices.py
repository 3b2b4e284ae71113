"""Which device a name means, and that an absent one is refused."""

import pytest
import torch

from latentclust.errors import LatentclustError
from latentclust.train.devices import choose_device, is_follower, make_fabric


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Two CUDA devices, as far as is asked."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    return monkeypatch


def test_auto_takes_cards_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto", 1) == ("cuda", 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert choose_device("auto", 2) == ("cpu", 2)


@pytest.mark.usefixtures("cards")
def test_a_card_is_chosen_by_its_number() -> None:
    assert choose_device("cuda:1", 1) == ("cuda", [1])
    assert choose_device("cuda", 2) == ("cuda", 2)
    assert choose_device("cpu", 3) == ("cpu", 3)


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(
    ("device", "processes"),
    [("cuda:2", 1), ("cuda", 3), ("cuda:1", 2), ("tpu", 1), ("cuda:x", 1), ("cuda:", 1), ("cpu:0", 1)],
)
def test_what_is_absent_or_unknown_is_refused(device: str, processes: int) -> None:
    with pytest.raises(LatentclustError, match=device) as caught:
        choose_device(device, processes)
    assert caught.value.issues[0].where == "--device"


def test_one_process_on_the_cpu() -> None:
    fabric = make_fabric("cpu", 1)
    assert (fabric.device.type, fabric.world_size, fabric.is_global_zero) == ("cpu", 1, True)


def test_a_process_that_another_one_started_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert not is_follower()
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert not is_follower()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert is_follower()
