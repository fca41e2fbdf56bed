"""Any image model of the timm library, where it is installed: `timm:<name>`."""

from __future__ import annotations

from typing import Any, ClassVar

from labelcue.embedders import embedders
from labelcue.embedders.torch_pictures import Loaded, TorchPictures


@embedders.register("timm")
class Timm(TorchPictures):
    """The pooled features before the classifier, with the weights that timm has for the name."""

    library: ClassVar[str] = "timm"
    package: ClassVar[str] = "timm"
    kind: ClassVar[str] = "timm"
    example: ClassVar[str] = "vit_small_patch14_dinov2.lvd142m"

    def _open(self, device: Any) -> Loaded:
        import timm

        model = timm.create_model(self._model, pretrained=True, num_classes=0).train(False).to(device)
        told = timm.data.resolve_model_data_config(model)
        return Loaded(model, int(told["input_size"][1]), told["mean"], told["std"], device, 0)
