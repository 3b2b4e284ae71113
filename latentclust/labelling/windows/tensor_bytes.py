"""The largest number of bytes of tensors that a computation has at once."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@final
class TensorBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that operations return, until they are freed. What existed before is not counted.

    Buffers within a single operation, as those of convolutions, are not seen.

    Attributes:
        peak: Largest number of bytes at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = self._now = 0
        self._counted: dict[int, weakref.finalize[Any, Any]] = {}

    def __torch_dispatch__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count what it returns unless it is a view of one of its inputs."""
        found = function(*args, **(kwargs or {}))
        given = {id(storage) for storage in _storages((args, kwargs))}
        for storage in _storages(found):
            if id(storage) not in given and id(storage) not in self._counted:
                self._add(storage)
        return found

    def _add(self, storage: torch.UntypedStorage) -> None:
        size, key = storage.nbytes(), id(storage)
        self._now += size
        self.peak = max(self.peak, self._now)
        self._counted[key] = weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self._now -= size
        del self._counted[key]


def _storages(values: Any) -> list[torch.UntypedStorage]:
    dense = (each for each in tree_leaves(values) if isinstance(each, Tensor) and each.layout == torch.strided)
    return [each.untyped_storage() for each in dense]
