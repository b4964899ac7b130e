"""The sums of gradients that autograd writes in place in a real step, and would not with fake tensors."""

from __future__ import annotations

from typing import Any


class InPlaceSums:
    """Where autograd adds up the gradients that reach one tensor, it writes the sum into one of them if nobody else holds it.

    It never does so with subclasses of tensors, which fake ones are (torch/csrc/autograd/input_buffer.cpp), and a step would
    seem to need one array more wherever a tensor is read twice. That nobody else holds a gradient shows in its reference
    counts; what they are then is learned from a sum of which we know it.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._alone: tuple[int, int] | None = None

    def learn(self) -> None:
        """To be called with the dispatch mode on."""
        self._alone = (0, 0)
        x = self._torch.empty(4, requires_grad=True)
        y = x * 2
        (y.exp() + y.sin()).sum().backward()

    def target(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operand that a sum of autograd's is to be written into; None where the operator is to run as it is."""
        torch = self._torch
        if func is not torch.ops.aten.add.Tensor or self._alone is None or kwargs or torch._C._current_graph_task_id() < 0:
            return None
        if torch.is_grad_enabled() or not all(isinstance(arg, torch.Tensor) for arg in args):
            return None
        if self._alone == (0, 0):
            self._alone = self._references(args[0])
        if args[0].shape != args[1].shape or args[0].dtype != args[1].dtype:
            return None
        return next((arg for arg in args if self._references(arg) == self._alone and _dense(arg)), None)

    def _references(self, tensor: Any) -> tuple[int, int]:
        return tensor._use_count(), self._torch._C._storage_Use_Count(tensor.untyped_storage()._cdata)


def _dense(tensor: Any) -> bool:
    """Whether a tensor fills its storage from end to end."""
    return bool(tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes())
