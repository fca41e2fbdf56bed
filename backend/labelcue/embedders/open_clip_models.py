"""Any CLIP of the open_clip library, where it is installed: `open-clip:<model>/<weights>`."""

from __future__ import annotations

from typing import Any, ClassVar

from labelcue.embedders import embedders
from labelcue.embedders.torch_pictures import Loaded, TorchPictures
from labelcue.errors import ConfigError


@embedders.register("open-clip")
class OpenClip(TorchPictures):
    """The image tower's features in the space that pictures share with texts."""

    library: ClassVar[str] = "open_clip"
    package: ClassVar[str] = "open_clip_torch"
    kind: ClassVar[str] = "open-clip"
    example: ClassVar[str] = "ViT-B-32/laion2b_s34b_b79k"

    def _open(self, device: Any) -> Loaded:
        import open_clip

        name, _, weights = self._model.partition("/")
        if not weights:
            raise ConfigError(
                f"open-clip:{name} names no weights.",
                f"Name both, as in open-clip:{self.example}; without, it knows nothing.",
            )
        model = open_clip.create_model(name, pretrained=weights).train(False).to(device)
        tower = model.visual
        size = tower.image_size
        side = int(size[0] if isinstance(size, (tuple, list)) else size)
        return Loaded(model.encode_image, side, tower.image_mean, tower.image_std, device, 0)
